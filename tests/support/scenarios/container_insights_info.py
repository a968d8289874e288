"""What container_insights_info reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from support.clients import Clients
from support.scenarios import CLUSTER, Scenario

STARTED = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
MINUTES = 5
_POD = {"ClusterName": CLUSTER, "Namespace": "shop", "PodName": "backend"}
_NODE = {"ClusterName": CLUSTER, "NodeName": "ip-10-0-0-1", "InstanceId": "i-1234567890abcdef0"}


def put_metrics(clients: Clients) -> None:
    """Publishes two values a minute of a pod and of a node."""
    data = [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Timestamp": STARTED + timedelta(minutes=minute),
            "Values": [10.0 * minute, 10.0 * minute + 5],
        }
        for metric, dimensions in (("pod_cpu_utilization", _POD), ("node_cpu_utilization", _NODE))
        for minute in range(MINUTES)
    ]
    clients.cloudwatch.put_metric_data(Namespace="ContainerInsights", MetricData=data)


_RANGE = {"start_time": STARTED.isoformat(), "end_time": (STARTED + timedelta(minutes=MINUTES)).isoformat()}

SCENARIOS = [
    Scenario(
        "container_insights_info",
        "reads a pod's metrics and says why one has no point",
        {
            **_RANGE,
            "cluster_name": CLUSTER,
            "namespace": "shop",
            "pods": ["backend", "nobody"],
            "metrics": ["pod_cpu_utilization"],
            "statistics": ["Average", "p90"],
        },
        put_metrics,
        changes=False,
    ),
    Scenario(
        "container_insights_info",
        "reads a node's metrics, whose instance it looks up",
        {**_RANGE, "cluster_name": CLUSTER, "nodes": [_NODE["NodeName"]], "metrics": ["node_cpu_utilization"]},
        put_metrics,
        changes=False,
    ),
]
