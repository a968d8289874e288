"""Measured values as CloudWatch data, with the names, units and dimensions of Container Insights.

Source: Amazon CloudWatch user guide, "Amazon EKS and Kubernetes Container Insights metrics".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from cloudwatchagent.network import Bytes
from cloudwatchagent.processes import Usage

NAMESPACE: Final = "ContainerInsights"
_HIGH_RESOLUTION_SECONDS: Final = 1

Datum = dict[str, Any]


def pod_data(
    cluster_name: str, namespace: str, usages: Mapping[str, Usage], rates: Mapping[str, Bytes], measured_at: datetime
) -> list[Datum]:
    """One datum per pod, metric and set of dimensions; a pod without a rate has no network metrics."""
    return [
        {
            "MetricName": name,
            "Unit": unit,
            "Value": value,
            "Dimensions": dimensions,
            "Timestamp": measured_at,
            "StorageResolution": _HIGH_RESOLUTION_SECONDS,
        }
        for pod, usage in usages.items()
        for name, unit, value in _values(usage, rates.get(pod))
        for dimensions in _dimension_sets(cluster_name, namespace, pod)
    ]


def _values(usage: Usage, rate: Bytes | None) -> Iterator[tuple[str, str, float]]:
    yield "pod_cpu_utilization", "Percent", usage.cpu_percent
    yield "pod_memory_utilization", "Percent", usage.memory_percent
    if rate is not None:
        yield "pod_network_rx_bytes", "Bytes/Second", rate.received
        yield "pod_network_tx_bytes", "Bytes/Second", rate.transmitted


def _dimension_sets(cluster_name: str, namespace: str, pod: str) -> list[list[dict[str, str]]]:
    """Each pod counts for its cluster, its namespace, itself and its service, which has its name."""
    cluster = [{"Name": "ClusterName", "Value": cluster_name}]
    within = [*cluster, {"Name": "Namespace", "Value": namespace}]
    return [
        cluster,
        within,
        [*within, {"Name": "PodName", "Value": pod}],
        [*within, {"Name": "Service", "Value": pod}],
    ]
