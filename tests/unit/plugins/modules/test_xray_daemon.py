"""The module xray_daemon on a cluster in memory; tests/cluster runs it on a real one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Reference
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from ansible_collections.deepobs.eks.plugins.modules import xray_daemon
from support.documented import differences, return_documentation
from support.fake_cluster import FakeCluster, waiting_pod, warning

DAEMON_SET = Reference("DaemonSet", "xray-daemon", "xray-daemon")
NAMESPACE = Reference("Namespace", "xray-daemon")
ROLE = "arn:aws:iam::123456789012:role/deepobs/daemon"
EVERYTHING = [
    ("Namespace", "xray-daemon"),
    ("ServiceAccount", "xray-daemon"),
    ("Service", "xray-daemon"),
    ("DaemonSet", "xray-daemon"),
]


class _Clock:
    """Time that passes as it is slept through."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _watch() -> Stopwatch:
    clock = _Clock()
    return Stopwatch(lambda: clock.now, clock.sleep)


def _module(*, check: bool = False, **options: Any) -> Any:
    defaults = {name: entry.get("default") for name, entry in xray_daemon.ARGUMENT_SPEC.items()}
    warnings: list[str] = []
    return SimpleNamespace(params=defaults | options, check_mode=check, warn=warnings.append, warnings=warnings)


def _present(cluster: FakeCluster, **options: Any) -> dict[str, Any]:
    returned = xray_daemon.ensure_present(cluster, _module(**options), _watch())  # type: ignore[arg-type]
    assert differences(return_documentation("xray_daemon"), returned) == []
    return returned


def _absent(cluster: FakeCluster, **options: Any) -> tuple[dict[str, Any], list[str]]:
    module = _module(state="absent", **options)
    return xray_daemon.ensure_absent(cluster, module, _watch()), module.warnings  # type: ignore[arg-type]


def _outcomes(returned: dict[str, Any]) -> dict[str, str]:
    return {item["kind"]: item["outcome"] for item in returned["objects"]}


def test_check_run_check_run() -> None:
    cluster = FakeCluster()
    checked = _present(cluster, check=True, role_arn=ROLE)
    assert (checked["changed"], cluster.writes, checked["pods"]) == (True, [], [])
    made = _present(cluster, role_arn=ROLE)
    assert [(item["kind"], item["name"]) for item in made["objects"]] == EVERYTHING
    assert set(_outcomes(made).values()) == {"created"}
    assert checked["diff"] == made["diff"]
    assert [pod["node"] for pod in made["pods"]] == ["node-1", "node-2"]
    writes = list(cluster.writes)
    for check in (True, False):
        again = _present(cluster, check=check, role_arn=ROLE)
        assert (again["changed"], again["diff"]) == (False, {"before": {}, "after": {}})
    assert cluster.writes == writes


def test_changed_option_configures_only_what_bears_it() -> None:
    cluster = FakeCluster()
    _present(cluster, role_arn=ROLE)
    changed = _present(cluster, role_arn=ROLE, image="registry/xray:4")
    assert _outcomes(changed) == {
        "Namespace": "unchanged",
        "ServiceAccount": "unchanged",
        "Service": "unchanged",
        "DaemonSet": "configured",
    }
    container = changed["diff"]["after"][str(DAEMON_SET)]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry/xray:4"


def test_another_role_starts_the_pods_anew() -> None:
    cluster = FakeCluster()
    _present(cluster, role_arn=ROLE)
    assert _outcomes(_present(cluster, role_arn=f"{ROLE}-2"))["DaemonSet"] == "configured"


def test_pod_keeps_to_restricted_pod_security() -> None:
    cluster = FakeCluster()
    _present(cluster)
    pod = cluster.objects[DAEMON_SET]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all("hostPort" not in port for port in container["ports"])
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_host_port_is_refused_where_pod_security_forbids_it(level: str) -> None:
    cluster = FakeCluster()
    with pytest.raises(ValueError, match=f"host_port opens port 2000 .*{level}.*pod_security=privileged"):
        _present(cluster, host_port=True, pod_security=level)
    assert cluster.writes == []


def test_host_port_where_the_namespace_is_allowed_more() -> None:
    cluster = FakeCluster()
    _present(cluster, host_port=True, pod_security="privileged")
    [container] = cluster.objects[DAEMON_SET]["spec"]["template"]["spec"]["containers"]
    assert [(port["hostPort"], port["protocol"]) for port in container["ports"]] == [(2000, "UDP"), (2000, "TCP")]


def test_stuck_rollout_names_pod_node_reason_events_and_last_words() -> None:
    cluster = FakeCluster()
    cluster.states["node-2"] = waiting_pod("ImagePullBackOff", 'Back-off pulling image "x"')
    cluster.events = [warning("Pod", "xray-daemon-node-2", "Failed", "manifest unknown")]
    cluster.logs["xray-daemon-node-2"] = "first\nsecond\n"
    with pytest.raises(DeepobsError) as failed:
        _present(cluster)
    message = failed.value.message
    for part in (
        "1 of 2 pods are available",
        "pod xray-daemon-node-2 on node node-2",
        'ImagePullBackOff: Back-off pulling image "x"',
        "Failed: manifest unknown",
        "first | second",
        "Look at image",
    ):
        assert part in message
    assert "node-1" not in message
    assert failed.value.result["changed"] is True


def test_pods_that_may_not_be_made_are_explained_by_the_daemon_sets_events() -> None:
    cluster = FakeCluster(nodes=("node-1",))
    cluster.states["node-1"] = waiting_pod("ContainerCreating")
    cluster.events = [warning("DaemonSet", "xray-daemon", "FailedCreate", "violates PodSecurity")]
    with pytest.raises(DeepobsError, match=r"FailedCreate: violates PodSecurity.*forbids such a pod"):
        _present(cluster)


def test_crash_loop_is_told_at_once_and_a_first_crash_is_waited_for() -> None:
    cluster = FakeCluster()
    cluster.states["node-1"] = waiting_pod("CrashLoopBackOff", "back-off 10s", restarts=3)
    clock = _Clock()
    with pytest.raises(DeepobsError, match="CrashLoopBackOff"):
        xray_daemon.ensure_present(cluster, _module(), Stopwatch(lambda: clock.now, clock.sleep))  # type: ignore[arg-type]
    assert clock.now == 0
    cluster.states["node-1"] = waiting_pod("CrashLoopBackOff", "back-off 10s", restarts=1)
    with pytest.raises(DeepobsError, match="CrashLoopBackOff"):
        xray_daemon.ensure_present(cluster, _module(), Stopwatch(lambda: clock.now, clock.sleep))  # type: ignore[arg-type]
    assert clock.now > 60


def test_denied_role_is_told_with_the_task_that_mends_it() -> None:
    cluster = FakeCluster()
    cluster.answers["xray-daemon-node-1"] = "error trying to reach service"
    cluster.logs["xray-daemon-node-1"] = "started\nAccessDenied: Not authorized to perform AssumeRoleWithWebIdentity\n"
    with pytest.raises(DeepobsError) as failed:
        _present(cluster, role_arn=ROLE)
    assert "on node node-1: AccessDenied: Not authorized to perform AssumeRoleWithWebIdentity" in failed.value.message
    assert "irsa_trust with role_name daemon and subjects [xray-daemon:xray-daemon]" in failed.value.message
    cluster.answers.clear()
    assert _present(cluster, role_arn=ROLE)["changed"] is False


@pytest.mark.parametrize(
    ("refusal", "remedy"),
    [("AccessDenied", "eks_pod_identity_association"), ("dial tcp: i/o timeout", "NetworkPolicies")],
)
def test_refusal_without_a_role_and_without_a_way(refusal: str, remedy: str) -> None:
    cluster = FakeCluster()
    cluster.answers["xray-daemon-node-1"] = refusal
    with pytest.raises(DeepobsError, match=remedy):
        _present(cluster)
    assert _present(cluster, verify_access=False)["changed"] is False


def test_fields_of_another_manager_are_named_and_taken_over_on_request() -> None:
    cluster = FakeCluster()
    _present(cluster)
    cluster.taken[DAEMON_SET] = 'conflict with "helm": .spec.template.spec.containers[name="xray-daemon"].image'
    with pytest.raises(DeepobsError, match=r'conflict with "helm".*force_conflicts=true'):
        _present(cluster, image="another")
    assert _present(cluster, image="another", force_conflicts=True)["changed"] is True


def test_absent_removes_what_was_made_and_nothing_else() -> None:
    cluster = FakeCluster()
    _present(cluster)
    checked, _warnings = _absent(cluster, check=True)
    assert checked["changed"] is True
    assert DAEMON_SET in cluster.objects
    gone, _warnings = _absent(cluster)
    assert set(_outcomes(gone).values()) == {"deleted"}
    assert cluster.objects == {}
    assert _absent(cluster)[0]["changed"] is False


def test_absent_leaves_a_namespace_that_was_there_before() -> None:
    before = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "xray-daemon", "labels": {"team": "a"}}}
    cluster = FakeCluster(before)
    _present(cluster)
    assert cluster.objects[NAMESPACE]["metadata"]["labels"]["team"] == "a"
    _absent(cluster)
    assert list(cluster.objects) == [NAMESPACE]


def test_absent_leaves_a_namespace_that_holds_something_else() -> None:
    cluster = FakeCluster()
    _present(cluster)
    other = {"kind": "Secret", "metadata": {"name": "theirs", "namespace": "xray-daemon"}}
    cluster.objects[Reference("Secret", "theirs", "xray-daemon")] = other
    _gone, warnings = _absent(cluster)
    assert warnings == ["Namespace xray-daemon stays, for it holds Secret xray-daemon/theirs"]
    assert {reference.kind for reference in cluster.objects} == {"Namespace", "Secret"}


def test_check_before_the_namespace_is_there_asks_the_server_elsewhere_or_shows_the_manifest() -> None:
    cluster = FakeCluster()
    foretold = _present(cluster, check=True)["diff"]["after"]["DaemonSet xray-daemon/xray-daemon"]
    cluster.forbidden = {"DaemonSet", "Service", "ServiceAccount"}
    shown = _present(cluster, check=True)["diff"]["after"]["DaemonSet xray-daemon/xray-daemon"]
    assert shown["spec"] == foretold["spec"]


def test_options_of_the_documentation_are_those_of_the_argument_spec() -> None:
    import yaml

    documented = yaml.safe_load(xray_daemon.DOCUMENTATION)["options"]
    for name, entry in xray_daemon.ARGUMENT_SPEC.items():
        told = {key: documented[name].get(key) for key in ("type", "default", "choices")}
        assert told == {key: entry.get(key) for key in ("type", "default", "choices")}, name
    assert set(documented) == set(xray_daemon.ARGUMENT_SPEC)
