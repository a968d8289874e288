"""CloudWatch's metrics through each protocol that its clients speak."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NAMESPACE = "ContainerInsights"
DIMENSIONS = [{"Name": "ClusterName", "Value": "deepobs-local"}]


@pytest.fixture
def cloudwatch(clients: Callable[..., Any]) -> Any:
    return clients("cloudwatch")


def test_large_data_travel_packed(cloudwatch: Any) -> None:
    data = [{"MetricName": f"metric-{number:03d}", "Dimensions": DIMENSIONS, "Value": 1.0} for number in range(400)]
    cloudwatch.put_metric_data(Namespace="Large", MetricData=data)
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Large")
    assert sum(len(page["Metrics"]) for page in pages) == 400


def test_what_was_put_is_listed_and_averaged(cloudwatch: Any) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    datum = {"MetricName": "pod_cpu_utilization", "Dimensions": DIMENSIONS, "Unit": "Percent"}
    values = [(10.0, 0), (20.0, 30)]
    cloudwatch.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[{**datum, "Value": value, "Timestamp": minute + timedelta(seconds=at)} for value, at in values],
    )
    (metric,) = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    stat = {"Metric": metric, "Period": 60, "Stat": "Average"}
    (result,) = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "cpu", "MetricStat": stat}],
        StartTime=minute,
        EndTime=minute + timedelta(minutes=1),
    )["MetricDataResults"]
    assert (result["Values"], result["Timestamps"]) == ([15.0], [minute])
