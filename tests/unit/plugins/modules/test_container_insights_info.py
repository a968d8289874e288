"""container_insights_info against the AWS stand-in's CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from support.documented import differences, return_documentation
from support.localaws import CLIENT_ENVIRONMENT, localaws_server
from support.module_cycle import ModuleFailedError, run_module

ACCOUNT = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "test", "region": "eu-west-1"}
START = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
MINUTES = 5
CLUSTER = {"ClusterName": "shop"}
NAMESPACE = {**CLUSTER, "Namespace": "ecommerce"}
BACKEND = {**NAMESPACE, "PodName": "backend"}
SERVICE = {**NAMESPACE, "Service": "backend"}
CONTAINER = {**BACKEND, "ContainerName": "app"}
FULL_POD = {**BACKEND, "FullPodName": "backend-1"}
NODE = {**CLUSTER, "NodeName": "ip-1", "InstanceId": "i-1"}


def point(metric: str, dimensions: dict[str, str], at: datetime, value: float) -> dict[str, Any]:
    named = [{"Name": name, "Value": content} for name, content in dimensions.items()]
    return {"MetricName": metric, "Dimensions": named, "Timestamp": at, "Value": value, "StorageResolution": 1}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localaws_server(tmp_path_factory.mktemp("localaws")) as url:
        publish(url)
        yield url


def publish(url: str) -> None:
    """Two points a minute, 10 and 30 in the first, more by 100 in each minute after it."""
    client = boto3.client(
        "cloudwatch",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )
    for minute in range(MINUTES):
        at = START + timedelta(minutes=minute)
        points = [
            point("pod_cpu_utilization", dimensions, at + timedelta(seconds=second), 100 * minute + value)
            for dimensions in (CLUSTER, NAMESPACE, BACKEND, SERVICE, CONTAINER, FULL_POD, NODE)
            for second, value in ((5, 10.0), (35, 30.0))
        ]
        client.put_metric_data(Namespace="ContainerInsights", MetricData=points)


@pytest.fixture
def options(endpoint: str) -> dict[str, Any]:
    return {
        **ACCOUNT,
        "endpoint_url": endpoint,
        "cluster_name": "shop",
        "namespace": "ecommerce",
        "pods": ["backend"],
        "metrics": ["pod_cpu_utilization"],
        "start_time": START.isoformat(),
        "end_time": (START + timedelta(minutes=MINUTES)).isoformat(),
    }


@pytest.mark.parametrize(
    ("statistic", "first_two", "unit"),
    [
        ("Average", [20.0, 120.0], "Percent"),
        ("Sum", [40.0, 240.0], "Percent"),
        ("Minimum", [10.0, 110.0], "Percent"),
        ("Maximum", [30.0, 130.0], "Percent"),
        ("SampleCount", [2.0, 2.0], "Count"),
        ("p50", [10.0, 110.0], "Percent"),
        ("p90", [30.0, 130.0], "Percent"),
        ("TM(:20)", [10.0], "Percent"),
    ],
)
def test_statistic_of_each_period(options: dict[str, Any], statistic: str, first_two: list[float], unit: str) -> None:
    (series,) = run_module("container_insights_info", {**options, "statistics": [statistic]})["metrics"]
    assert (series["metric"], series["statistic"], series["unit"]) == ("pod_cpu_utilization", statistic, unit)
    assert series["dimensions"] == BACKEND
    assert series["values"][:2] == first_two
    assert series["timestamps"][0] == START.isoformat().replace("+00:00", "Z")
    assert len(series["values"]) == len(series["timestamps"])


@pytest.mark.parametrize(
    ("scope", "dimensions"),
    [
        ({"namespace": None, "pods": []}, [CLUSTER]),
        ({"pods": []}, [NAMESPACE]),
        ({"pods": [], "services": ["backend"]}, [SERVICE]),
        ({"services": ["backend"]}, [SERVICE, BACKEND]),
        ({"containers": ["app"]}, [CONTAINER]),
        ({"pods": [], "full_pod_names": ["backend-1"]}, [FULL_POD]),
        ({"namespace": None, "pods": [], "nodes": ["ip-1", "ip-1"]}, [NODE]),
    ],
)
def test_scope_chooses_dimensions(options: dict[str, Any], scope: dict[str, Any], dimensions: list[Any]) -> None:
    given = {name: value for name, value in {**options, **scope}.items() if value is not None}
    result = run_module("container_insights_info", given)
    assert [series["dimensions"] for series in result["metrics"]] == dimensions
    assert result["namespace"] == given.get("namespace")


def test_period_shorter_than_a_minute(options: dict[str, Any]) -> None:
    (series,) = run_module("container_insights_info", {**options, "period_seconds": 5})["metrics"]
    assert series["values"][:4] == [10.0, 30.0, 110.0, 130.0]


def test_metric_without_points_is_listed_with_the_reason(options: dict[str, Any]) -> None:
    asked = {**options, "metrics": ["pod_network_rx_bytes", "pod_cpu_utilization"], "pods": ["backend", "nobody"]}
    result = run_module("container_insights_info", asked)
    assert [series["dimensions"]["PodName"] for series in result["metrics"]] == ["backend"]
    assert [entry["metric"] for entry in result["missing"]] == [
        "pod_network_rx_bytes",
        "pod_network_rx_bytes",
        "pod_cpu_utilization",
    ]
    assert result["missing"][2]["reason"] == (
        "not published with ClusterName=shop, Namespace=ecommerce, PodName=nobody in the last two weeks; it is"
        " published with PodName backend"
    )


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def test_known_metric_outside_its_time_says_so(options: dict[str, Any]) -> None:
    early = {"start_time": ago(days=2), "end_time": ago(days=1)}
    (missing,) = run_module("container_insights_info", {**options, **early})["missing"]
    assert missing["reason"].startswith("published with ClusterName=shop")
    assert "without a point between" in missing["reason"]


def test_unknown_node_is_missing(options: dict[str, Any]) -> None:
    asked = {**options, "pods": [], "nodes": ["ip-9"]}
    (missing,) = run_module("container_insights_info", asked)["missing"]
    assert missing["reason"].startswith("not published with ClusterName=shop, NodeName=ip-9 in the last two weeks")


def test_range_that_is_kept_in_part_is_a_warning(options: dict[str, Any]) -> None:
    result = run_module("container_insights_info", {**options, "start_time": ago(days=16)})
    assert len(result["metrics"][0]["values"]) == MINUTES
    assert "multiple of 300" in str(result["warnings"])


def test_range_that_is_not_kept_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(
        ModuleFailedError, match=r"the whole range is before that; give period_seconds as a multiple of 300"
    ):
        run_module("container_insights_info", {**options, "start_time": ago(days=17), "end_time": ago(days=16)})


def test_statistic_that_cloudwatch_does_not_know_fails_with_its_name(options: dict[str, Any]) -> None:
    with pytest.raises(ModuleFailedError, match=r"check metrics, which are .* and statistics, which are Median"):
        run_module("container_insights_info", {**options, "statistics": ["Median"]})


def test_more_queries_than_one_call_takes(options: dict[str, Any]) -> None:
    pods = [f"pod-{number}" for number in range(260)] + ["backend"]
    result = run_module("container_insights_info", {**options, "pods": pods, "statistics": ["Average", "Maximum"]})
    assert [series["statistic"] for series in result["metrics"]] == ["Average", "Maximum"]
    assert len(result["missing"]) == 260


def test_wait_is_bounded(options: dict[str, Any]) -> None:
    waiting = {"metrics": ["pod_network_rx_bytes"], "period_seconds": 1, "wait_timeout": 1.5}
    result = run_module("container_insights_info", {**options, **waiting})
    assert [entry["metric"] for entry in result["missing"]] == ["pod_network_rx_bytes"]


def test_source_is_returned(options: dict[str, Any]) -> None:
    assert run_module("container_insights_info", {**options, "source": "our publisher"})["source"] == "our publisher"


@pytest.mark.parametrize("extra", [{}, {"metrics": ["pod_cpu_utilization", "nothing"]}])
def test_result_is_as_documented(options: dict[str, Any], extra: dict[str, Any]) -> None:
    result = run_module("container_insights_info", {**options, **extra}, check=True)
    assert differences(return_documentation("container_insights_info"), result) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"cluster_name": ""}, ["cluster_name is empty"]),
        ({"metrics": []}, ["metrics is empty"]),
        ({"statistics": []}, ["statistics is empty"]),
        ({"namespace": ""}, ["namespace is empty"]),
        ({"namespace": None}, ["pods needs namespace"]),
        ({"namespace": None, "pods": [], "services": ["a"]}, ["services needs namespace"]),
        ({"pods": [], "containers": ["a"]}, ["containers needs pods"]),
        ({"period_seconds": 7}, ["period_seconds is 7", "multiple of 60"]),
        ({"period_seconds": 0}, ["period_seconds is 0"]),
        ({"wait_timeout": -1}, ["wait_timeout is -1"]),
        ({"end_time": "2001-01-01T00:00:00Z"}, ["end_time", "start_time"]),
    ],
)
def test_bad_option_fails_with_its_name(options: dict[str, Any], wrong: dict[str, Any], words: list[str]) -> None:
    given = {name: value for name, value in {**options, **wrong}.items() if value is not None}
    with pytest.raises(ModuleFailedError) as failure:
        run_module("container_insights_info", given)
    for word in words:
        assert word in failure.value.result["msg"]
