"""What every cluster has: ready nodes, names, Services across nodes, Pod Security, logs."""

from __future__ import annotations

from functools import partial

import yaml
from kubernetes import client

from cluster.build import kubernetes_version
from cluster.layout import NODES
from cluster.running import Namespace, RunningCluster, eventually


def test_nodes_are_ready_and_current(running: RunningCluster) -> None:
    nodes = running.core.list_node().items
    conditions = {node.metadata.name: {c.type: c.status for c in node.status.conditions} for node in nodes}
    assert len(nodes) >= len(NODES)
    assert {conditions[name]["Ready"] for name in conditions} == {"True"}
    major, minor = kubernetes_version().split(".")[:2]
    version = client.VersionApi(running.api).get_code()
    assert (int(version.major), int(version.minor.rstrip("+"))) >= (int(major), int(minor))


def test_service_is_reached_by_name_from_pods_of_both_nodes(running: RunningCluster, namespace: Namespace) -> None:
    served = {node.name: f"server-{node.name}" for node in NODES}
    servers = [namespace.pod(pod, "serve", "tcp/8080", nodeName=node) for node, pod in served.items()]
    clients = [namespace.pod(f"client-{node.name}", nodeName=node.name) for node in NODES]
    namespace.run(*servers, *clients)
    running.apply(*(namespace.service(pod, 8080) for pod in served.values()))
    for node in NODES:
        for pod in served.values():
            name = f"http://{pod}.{namespace.name}.svc.cluster.local/"
            reached = partial(answers, namespace, f"client-{node.name}", name, pod)
            eventually(reached, f"{pod} reached from {node.name}")


def answers(namespace: Namespace, client: str, url: str, server: str) -> bool:
    return namespace.probe(client, "get", url) == f"{server}\n"


def test_datagrams_pass_between_nodes(namespace: Namespace) -> None:
    first, second = (node.name for node in NODES)
    namespace.run(
        namespace.pod("server", "serve", "udp/2000", nodeName=first), namespace.pod("client", nodeName=second)
    )
    assert namespace.probe("client", "ask", f"{namespace.address('server')}:2000") == "server\n"


def test_name_of_a_service_is_its_address(running: RunningCluster, namespace: Namespace) -> None:
    namespace.run(namespace.pod("client"))
    running.apply(namespace.service("shop", 8080))
    address = running.core.read_namespaced_service("shop", namespace.name).spec.cluster_ip
    eventually(lambda: namespace.probe("client", "resolve", "shop") == f"{address}\n", "the Service's name")


def test_restricted_namespace_refuses_a_pod_with_privileges_and_takes_one_without(running: RunningCluster) -> None:
    with running.namespace("restricted", {"pod-security.kubernetes.io/enforce": "restricted"}) as namespace:
        bad = namespace.pod("bad", container={"securityContext": {"privileged": True}})
        refused = running.try_kubectl("apply", "--filename=-", given=yaml.safe_dump(bad))
        assert refused.returncode != 0
        assert 'violates PodSecurity "restricted' in refused.stderr
        namespace.run(namespace.pod("good"))


def test_what_a_pod_prints_is_its_log(running: RunningCluster, namespace: Namespace) -> None:
    pod = namespace.pod("talker", "environment", restartPolicy="Never")
    running.apply(pod)

    def log() -> str:
        return str(running.core.read_namespaced_pod_log("talker", namespace.name))

    eventually(lambda: "KUBERNETES_SERVICE_HOST" in log(), "the pod's log")


def test_pod_over_its_memory_is_ended(running: RunningCluster, namespace: Namespace) -> None:
    limits = {"resources": {"limits": {"memory": "16Mi"}}}
    running.apply(namespace.pod("hungry", "fill", restartPolicy="Never", container=limits))

    def reason() -> str:
        (status,) = running.core.read_namespaced_pod("hungry", namespace.name).status.container_statuses or [None]
        return status.state.terminated.reason if status and status.state.terminated else ""

    eventually(lambda: reason() == "OOMKilled", "the pod's end")
