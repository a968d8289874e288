"""An image that was pushed on this machine is pulled by both nodes, under the name it has here."""

from __future__ import annotations

from cluster.layout import NODES, Layout
from cluster.lifecycle import registry_name
from cluster.registry import push
from cluster.running import Namespace, RunningCluster


def test_pushed_image_is_pulled_by_its_digest_on_both_nodes(
    layout: Layout, running: RunningCluster, namespace: Namespace
) -> None:
    registry = registry_name(layout)
    digest = push(registry, "trial/probe", "1", layout.images / "probe.tar")
    image = {"image": f"{registry}/trial/probe@{digest}", "imagePullPolicy": "Always"}
    namespace.run(*(namespace.pod(f"on-{node.name}", nodeName=node.name, container=image) for node in NODES))
    pods = running.core.list_namespaced_pod(namespace.name).items
    assert {pod.status.container_statuses[0].image_id.rpartition("@")[2] for pod in pods} == {digest}
