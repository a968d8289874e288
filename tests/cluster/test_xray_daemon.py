"""The X-Ray daemon on a real cluster, by its module: rolled out, let in by its role, explained, and gone again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.clients import Clients
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_module

from cluster.aws import ROLE, role_for
from cluster.forwarding import reachable_from_pods
from cluster.layout import NODES, REGION, Layout
from cluster.python_images import Program
from cluster.registry import push
from cluster.running import RunningCluster, eventually

NAME = "xray-daemon"
DAEMON = Program("xraydaemon", ["boto3", "orjson"], {"AWS_XRAY_DAEMON_ADDRESS": "0.0.0.0:2000"})
_SEND = """
import json, socket, sys, time
now = time.time()
trace = sys.argv[1]
segment = {"id": trace[-16:], "trace_id": trace, "name": "shop", "start_time": now, "end_time": now}
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.sendto(b'{"format":"json","version":1}\\n' + json.dumps(segment).encode(), ("xray-daemon.xray-daemon", 2000))
"""

Daemon = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def image(running: RunningCluster, registry: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    archive = tmp_path_factory.mktemp("image") / "daemon.tar"
    DAEMON.write_image(archive)
    push(registry, "xraydaemon", "1", archive)
    return f"{registry}/xraydaemon:1"


@pytest.fixture
def daemon(running: RunningCluster, layout: Layout, image: str, aws_url: str) -> Iterator[Daemon]:
    """Runs the module with what all these tests need; what it made is gone afterwards."""
    with reachable_from_pods(layout, int(aws_url.rpartition(":")[2])) as address:

        def run(*, check: bool = False, **options: Any) -> dict[str, Any]:
            given: dict[str, Any] = {
                "image": image,
                "region": REGION,
                "role_arn": ROLE,
                "kubeconfig": str(running.kubeconfig),
            }
            given |= {"environment": {"AWS_ENDPOINT_URL": f"http://{address}"}, "wait_timeout_seconds": 90, **options}
            returned = run_module("xray_daemon", given, check=check)
            assert differences(return_documentation("xray_daemon"), returned) == []
            return returned

        try:
            yield run
        finally:
            run(state="absent")


def test_check_run_check_run_absent(running: RunningCluster, daemon: Daemon, aws: Clients) -> None:
    with role_for(aws, f"{NAME}:{NAME}"):
        planned = daemon(check=True)
        assert "xray-daemon" not in running.kubectl("get", "namespaces", "--output=name")
        made = daemon()
        assert planned["diff"]["before"] == made["diff"]["before"] == {}
        assert set(planned["diff"]["after"]) == set(made["diff"]["after"])
        assert [pod["node"] for pod in made["pods"]] == [node.name for node in NODES]
        assert [daemon(check=check)["changed"] for check in (True, False)] == [False, False]
        changed = daemon(log_level="debug")
        assert [item["outcome"] for item in changed["objects"]].count("configured") == 1
        assert daemon(check=True, state="absent")["changed"] is True
        assert daemon(state="absent")["changed"] is True
        assert "xray-daemon" not in running.kubectl("get", "namespaces", "--output=name")
        assert daemon(state="absent")["changed"] is False


def test_segment_of_each_node_arrives_in_xray_by_the_daemon_beside_it(
    running: RunningCluster, daemon: Daemon, aws: Clients, image: str
) -> None:
    with role_for(aws, f"{NAME}:{NAME}"), running.namespace("sender") as namespace:
        daemon()
        traces = [f"1-{int(time.time()):08x}-{number:024x}" for number in range(1, len(NODES) + 1)]
        for node, trace in zip(NODES, traces, strict=True):
            container = {"image": image, "command": ["python3", "-c", _SEND, trace]}
            pod = namespace.pod(node.name, nodeName=node.name, container=container, restartPolicy="Never")
            running.apply(pod)

        def have_arrived() -> bool:
            found = aws.xray.batch_get_traces(TraceIds=traces)["Traces"]
            return len(found) == len(traces)

        eventually(have_arrived, "both segments in X-Ray")


def test_role_without_trust_is_told_with_its_remedy_and_mended_by_the_next_run(daemon: Daemon, aws: Clients) -> None:
    with pytest.raises(ModuleFailedError) as failed:
        daemon(access_timeout_seconds=4)
    message = str(failed.value)
    assert "AWS does not let it in" in message
    assert f"irsa_trust with role_name shop and subjects [{NAME}:{NAME}]" in message
    with role_for(aws, f"{NAME}:{NAME}"):
        mended = daemon(access_timeout_seconds=60)
    assert mended["changed"] is False


def test_image_that_is_not_there_is_told_within_a_minute(daemon: Daemon, image: str) -> None:
    began = time.monotonic()
    with pytest.raises(ModuleFailedError) as failed:
        daemon(image=f"{image}-misspelt")
    assert time.monotonic() - began < 60
    for part in ("0 of 2 pods are available", "ImagePullBackOff", f"{image}-misspelt", *(node.name for node in NODES)):
        assert part in str(failed.value)


def test_crash_is_told_with_the_daemons_last_words(daemon: Daemon) -> None:
    with pytest.raises(ModuleFailedError, match=r"last said .*AWS_XRAY_DAEMON_ADDRESS"):
        daemon(environment={"AWS_XRAY_DAEMON_ADDRESS": "nonsense"})


def test_fields_of_another_manager_are_named(running: RunningCluster, daemon: Daemon, aws: Clients) -> None:
    with role_for(aws, f"{NAME}:{NAME}"):
        daemon()
        theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": NAME}}
        spec = {"spec": {"internalTrafficPolicy": "Cluster"}}
        options = ("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "--filename=-")
        running.kubectl(*options, given=json.dumps(theirs | spec))
        with pytest.raises(ModuleFailedError, match=r'conflict with "helm".*force_conflicts=true'):
            daemon()
        assert daemon(force_conflicts=True)["changed"] is True


def test_absent_leaves_what_others_have(running: RunningCluster, daemon: Daemon) -> None:
    daemon(wait=False)
    running.kubectl("create", "configmap", "theirs", "--namespace", NAME)
    gone = daemon(state="absent")
    assert "stays, for it holds ConfigMap xray-daemon/theirs" in str(gone["warnings"])
    assert running.kubectl("get", "configmap", "theirs", "--namespace", NAME, "--output=name").strip()
    running.kubectl("delete", "configmap", "theirs", "--namespace", NAME)


def test_pod_security_restricted_holds(running: RunningCluster, daemon: Daemon, aws: Clients) -> None:
    with role_for(aws, f"{NAME}:{NAME}"):
        daemon()
    privileged = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "bad", "namespace": NAME},
        "spec": {"hostNetwork": True, "containers": [{"name": "bad", "image": "bad"}]},
    }
    refused = running.try_kubectl("apply", "--filename=-", given=json.dumps(privileged))
    assert "violates PodSecurity" in refused.stderr
