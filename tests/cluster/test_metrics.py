"""metrics-server tells what pods use, and an autoscaler acts on it."""

from __future__ import annotations

from typing import Any

from kubernetes import client

from cluster.running import Namespace, RunningCluster, eventually

_SCALES_WITHIN_SECONDS = 120


def test_usage_of_every_node_is_told(running: RunningCluster) -> None:
    def nodes() -> set[str]:
        metrics = client.CustomObjectsApi(running.api).list_cluster_custom_object("metrics.k8s.io", "v1beta1", "nodes")
        return {item["metadata"]["name"] for item in metrics["items"]}

    expected = {node.metadata.name for node in running.core.list_node().items}
    eventually(lambda: nodes() == expected, "the nodes' usage")


def test_busy_deployment_is_scaled_up(running: RunningCluster, namespace: Namespace) -> None:
    limited = {"resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "150m"}}}
    pod = namespace.pod("busy", "burn", container=limited)
    running.apply(_deployment(namespace, pod), _autoscaler(namespace))

    def replicas() -> int:
        return int(client.AppsV1Api(running.api).read_namespaced_deployment("busy", namespace.name).spec.replicas)

    eventually(lambda: replicas() > 1, "a second replica", _SCALES_WITHIN_SECONDS)
    autoscaler = client.AutoscalingV2Api(running.api).read_namespaced_horizontal_pod_autoscaler("busy", namespace.name)
    assert autoscaler.status.current_metrics[0].resource.current.average_utilization > 100


def _deployment(namespace: Namespace, pod: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    selector = {"matchLabels": pod["metadata"]["labels"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "busy", "namespace": namespace.name},
        "spec": {"selector": selector, "template": template},
    }


def _autoscaler(namespace: Namespace) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": 100}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "busy", "namespace": namespace.name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
