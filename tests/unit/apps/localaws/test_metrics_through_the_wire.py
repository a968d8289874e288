"""CloudWatch's metrics through each protocol that its clients speak."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.aws_errors import refused

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


@pytest.fixture
def minute(cloudwatch: Any) -> datetime:
    """A minute in which two pods had two values each."""
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    data = [
        {
            "MetricName": "pod_memory_utilization",
            "Dimensions": [*DIMENSIONS, {"Name": "PodName", "Value": pod}],
            "Values": [10.0, 30.0],
            "Timestamp": minute,
        }
        for pod in ("backend", "frontend")
    ]
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)
    return minute


def test_percentiles_math_and_search(cloudwatch: Any, minute: datetime) -> None:
    search = f"SEARCH('{{{NAMESPACE},ClusterName,PodName}} MetricName=\"pod_memory_utilization\"', 'p90', 60)"
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "pods", "Expression": search, "Label": "p90"},
            {"Id": "both", "Expression": "SUM(pods) / 0 + SUM(pods)", "Period": 60},
        ],
        StartTime=minute,
        EndTime=minute + timedelta(minutes=1),
    )
    found = [(result["Id"], result["Label"], result["Values"]) for result in answer["MetricDataResults"]]
    assert found == [("pods", "p90 backend", [30.0]), ("pods", "p90 frontend", [30.0]), ("both", "both", [60.0])]
    assert answer["MetricDataResults"][2]["Messages"][0]["Code"] == "ArithmeticError"


def test_statistics_of_one_metric(cloudwatch: Any, minute: datetime) -> None:
    metric = {"Namespace": NAMESPACE, "MetricName": "pod_memory_utilization"}
    dimensions = [*DIMENSIONS, {"Name": "PodName", "Value": "backend"}]
    times = {"StartTime": minute, "EndTime": minute + timedelta(minutes=1), "Period": 60}
    answer = cloudwatch.get_metric_statistics(
        **metric, **times, Dimensions=dimensions, ExtendedStatistics=["p50", "p90"]
    )
    (point,) = answer["Datapoints"]
    assert point["ExtendedStatistics"] == {"p50": 10.0, "p90": 30.0}
    assert point["Timestamp"] == minute


def test_wrong_expression_is_a_validation_error(cloudwatch: Any, minute: datetime) -> None:
    queries = [{"Id": "e1", "Expression": "AVG("}]
    with refused("ValidationError", 400, "Error in expression 'e1'"):
        cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=minute, EndTime=minute + timedelta(minutes=1))
