"""CloudWatch's metrics, through its operations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from localaws.cloudwatch import create_service
from localaws.service import Request, ServiceError

NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
POD = {"ClusterName": "deepobs-local", "PodName": "backend"}

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call() -> Call:
    """Calls one operation of a CloudWatch that holds nothing."""
    service = create_service(NOW.timestamp)

    def run(operation: str, region: str = "eu-west-1", **parameters: Any) -> dict[str, Any]:
        return service.operations[operation](Request(operation, parameters, region, "123456789012"))

    return run


def dimensions(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def datum(value: float | None = None, seconds: float = 0, **members: Any) -> dict[str, Any]:
    """A datum of pod_cpu_utilization, some seconds before now."""
    given = {} if value is None else {"Value": value}
    return {
        "MetricName": "pod_cpu_utilization",
        "Dimensions": dimensions(POD),
        "Timestamp": NOW - timedelta(seconds=seconds),
        "StorageResolution": 1,
        **given,
        **members,
    }


def put(call: Call, *data: dict[str, Any], namespace: str = "ContainerInsights") -> None:
    call("PutMetricData", Namespace=namespace, MetricData=list(data))


def query(statistic: str = "Average", period: int = 5, **members: Any) -> dict[str, Any]:
    metric = {"Namespace": "ContainerInsights", "MetricName": "pod_cpu_utilization", "Dimensions": dimensions(POD)}
    metric.update(members.pop("Metric", {}))
    stat = {"Metric": metric, "Period": period, "Stat": statistic, **members.pop("MetricStat", {})}
    return {"Id": statistic.lower(), "MetricStat": stat, **members}


def get(call: Call, *queries: dict[str, Any], **parameters: Any) -> dict[str, list[tuple[int, float]]]:
    """Per query its points, as seconds before now and values."""
    window = {"StartTime": NOW - timedelta(seconds=60), "EndTime": NOW + timedelta(seconds=1)}
    answer = call("GetMetricData", MetricDataQueries=list(queries), **{**window, **parameters})
    return {
        result["Id"]: [
            (int((NOW - at).total_seconds()), value)
            for at, value in zip(result["Timestamps"], result["Values"], strict=True)
        ]
        for result in answer["MetricDataResults"]
    }


def test_statistics_are_of_the_values_in_each_period(call: Call) -> None:
    put(call, datum(1, 12), datum(3, 11), datum(8, 3.5), datum(4, 3), datum(6, 1))
    assert get(call, *map(query, ("Average", "Sum", "Minimum", "Maximum", "SampleCount"))) == {
        "average": [(5, 6.0), (15, 2.0)],
        "sum": [(5, 18.0), (15, 4.0)],
        "minimum": [(5, 4.0), (15, 1.0)],
        "maximum": [(5, 8.0), (15, 3.0)],
        "samplecount": [(5, 3.0), (15, 2.0)],
    }


def test_data_may_come_as_values_with_counts_or_as_statistics(call: Call) -> None:
    statistics = {"SampleCount": 2, "Sum": 10, "Minimum": 1, "Maximum": 9}
    put(call, datum(Values=[1.0, 4.0], Counts=[3.0, 1.0]), datum(Values=[2.0]), datum(StatisticValues=statistics))
    found = get(call, *map(query, ("Sum", "Minimum", "Maximum", "SampleCount")))
    assert found == {"sum": [(0, 19.0)], "minimum": [(0, 1.0)], "maximum": [(0, 9.0)], "samplecount": [(0, 7.0)]}


def test_metric_is_its_namespace_name_and_exactly_its_dimensions(call: Call) -> None:
    put(call, datum(1), datum(10, Dimensions=dimensions({**POD, "More": "x"})), datum(100, Dimensions=[]))
    put(call, datum(1000), namespace="Other")
    reordered = dict(reversed(POD.items()))
    assert get(call, query("Sum", Metric={"Dimensions": dimensions(reordered)})) == {"sum": [(0, 1.0)]}
    assert get(call, query("Sum", Metric={"Dimensions": []})) == {"sum": [(0, 100.0)]}
    assert get(call, query("Sum", Metric={"Dimensions": dimensions({"PodName": "backend"})})) == {"sum": []}
    assert get(call, query("Sum"), region="us-east-1") == {"sum": []}


def test_units_are_apart_where_one_is_asked_for(call: Call) -> None:
    put(call, datum(1, Unit="Percent"), datum(2))
    assert get(call, query("Sum")) == {"sum": [(0, 3.0)]}
    assert get(call, query("Sum", MetricStat={"Unit": "Percent"})) == {"sum": [(0, 1.0)]}
    assert get(call, query("Sum", MetricStat={"Unit": "Bytes"})) == {"sum": []}


def test_periods_are_aligned_and_the_end_is_excluded(call: Call) -> None:
    put(call, datum(1, 8), datum(2, 0))
    start, end = NOW - timedelta(seconds=7), NOW
    assert get(call, query("Sum"), StartTime=start, EndTime=end) == {"sum": [(10, 1.0)]}
    assert get(call, query("Sum", 60), StartTime=start, EndTime=end) == {"sum": [(30, 1.0)]}


def test_standard_resolution_is_kept_by_the_minute(call: Call) -> None:
    put(call, datum(1, 8, StorageResolution=60))
    assert get(call, query("Sum", 1)) == {"sum": [(30, 1.0)]}


def test_points_come_in_the_order_asked_for(call: Call) -> None:
    put(call, datum(1, 20), datum(2, 10))
    assert get(call, query("Sum"), ScanBy="TimestampAscending") == {"sum": [(20, 1.0), (10, 2.0)]}


def test_points_are_paged_with_tokens_of_this_query_only(call: Call) -> None:
    put(call, *(datum(float(second), second) for second in range(10)))
    window = {"StartTime": NOW - timedelta(seconds=60), "EndTime": NOW + timedelta(seconds=1), "MaxDatapoints": 4}
    asked = {**window, "MetricDataQueries": [query("Sum", 1)]}
    pages = [call("GetMetricData", **asked)]
    while "NextToken" in pages[-1]:
        pages.append(call("GetMetricData", **asked, NextToken=pages[-1]["NextToken"]))
    results = [page["MetricDataResults"][0] for page in pages]
    assert [value for result in results for value in result["Values"]] == list(range(10))
    assert [result["StatusCode"] for result in results] == ["PartialData", "PartialData", "Complete"]
    other = {**asked, "MetricDataQueries": [query("Average", 1)]}
    for token in ("x", pages[0]["NextToken"]):
        with pytest.raises(ServiceError, match="InvalidNextToken"):
            call("GetMetricData", **other, NextToken=token)


def test_query_without_return_data_is_left_out(call: Call) -> None:
    put(call, datum(1))
    assert get(call, query("Sum", ReturnData=False), query("Maximum")) == {"maximum": [(0, 1.0)]}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ([], "ValidationError"),
        ([query("Sum"), query("Sum")], "ValidationError"),
        ([query("Sum", Id="Q")], "ValidationError"),
        ([query("Sum", 7)], "ValidationError"),
        ([query("Sum", 90)], "ValidationError"),
        ([{"Id": "q"}], "ValidationError"),
        ([query("Sum", Expression="1")], "ValidationError"),
        ([query("Sum", ReturnData=False)], "ValidationError"),
        ([query("p101")], "ValidationError"),
        ([query("TM(90%:10%)", Id="q")], "ValidationError"),
        ([query("Sum", AccountId="123456789012")], "NotImplemented"),
        ([query("Sum", Label="${LAST_TIME}")], "NotImplemented"),
        ([query("Sum", Label="${PROP('AccountLabel')}")], "NotImplemented"),
        ([query("Sum", Label="${LABEL} ${LABEL}")], "ValidationError"),
        ([query("Sum", Label="${AVG} ${MIN} ${MAX} ${SUM} ${LAST} ${FIRST}")], "ValidationError"),
        ([query("Sum", Label="${AVG")], "ValidationError"),
        ([query("Sum")] * 501, "ValidationError"),
    ],
)
def test_wrong_query_is_an_error_and_no_empty_answer(call: Call, asked: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(ServiceError, match=code):
        get(call, *asked)


def test_window_must_have_a_length(call: Call) -> None:
    with pytest.raises(ServiceError, match="StartTime must be less"):
        get(call, query("Sum"), StartTime=NOW, EndTime=NOW)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (datum(), "InvalidParameterCombination"),
        (datum(1, Values=[1.0]), "InvalidParameterCombination"),
        (datum(float("nan")), "InvalidParameterValue"),
        (datum(float("inf")), "InvalidParameterValue"),
        (datum(1e300), "InvalidParameterValue"),
        (datum(Values=[]), "InvalidParameterValue"),
        (datum(Values=[1.0], Counts=[1.0, 2.0]), "InvalidParameterValue"),
        (datum(Values=[1.0], Counts=[0.0]), "InvalidParameterValue"),
        (datum(Values=[1.0], Counts=[float("inf")]), "InvalidParameterValue"),
        (
            datum(StatisticValues={"SampleCount": float("inf"), "Sum": 1, "Minimum": 1, "Maximum": 1}),
            "InvalidParameterValue",
        ),
        (datum(StatisticValues={"SampleCount": 0, "Sum": 0, "Minimum": 0, "Maximum": 0}), "InvalidParameterValue"),
        (datum(1, seconds=15 * 24 * 3600), "InvalidParameterValue"),
        (datum(1, seconds=-3 * 3600), "InvalidParameterValue"),
        (datum(1, StorageResolution=5), "InvalidParameterValue"),
        (datum(1, Dimensions=dimensions(POD) * 2), "InvalidParameterValue"),
    ],
)
def test_wrong_datum_refuses_the_whole_call(call: Call, wrong: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError, match=code):
        put(call, datum(1), wrong)
    assert get(call, query("Sum")) == {"sum": []}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"Namespace": "AWS/EC2", "MetricData": [datum(1)]}, "InvalidParameterValue"),
        ({"Namespace": "Own", "MetricData": []}, "MissingRequiredParameter"),
        ({"Namespace": "Own", "MetricData": [datum(1)] * 1001}, "InvalidParameterValue"),
        ({"Namespace": "Own", "EntityMetricData": []}, "NotImplemented"),
    ],
)
def test_wrong_put_is_refused(call: Call, parameters: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError, match=code):
        call("PutMetricData", **parameters)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 3),
        ({"Namespace": "ContainerInsights"}, 2),
        ({"MetricName": "pod_cpu_utilization"}, 3),
        ({"MetricName": "else"}, 0),
        ({"Dimensions": [{"Name": "PodName"}]}, 2),
        ({"Dimensions": [{"Name": "PodName", "Value": "backend"}]}, 2),
        ({"Dimensions": [{"Name": "PodName", "Value": "frontend"}]}, 0),
        ({"RecentlyActive": "PT3H"}, 3),
    ],
)
def test_metrics_are_listed_by_namespace_name_and_dimensions(call: Call, filters: dict[str, Any], count: int) -> None:
    put(call, datum(1), datum(1, Dimensions=dimensions({"ClusterName": "deepobs-local"})))
    put(call, datum(1), namespace="Own")
    assert len(call("ListMetrics", **filters)["Metrics"]) == count


@pytest.mark.parametrize("parameters", [{"OwningAccount": "123456789012"}, {"IncludeLinkedAccounts": True}])
def test_metrics_of_other_accounts_are_not_here(call: Call, parameters: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="NotImplemented"):
        call("ListMetrics", **parameters)


def test_a_page_has_at_least_one_point(call: Call) -> None:
    with pytest.raises(ServiceError, match="ValidationError: The parameter MaxDatapoints"):
        get(call, query("Sum"), MaxDatapoints=0)


def test_pages_hold_100_800_points(call: Call) -> None:
    put(call, *(datum(1.0, seconds) for seconds in range(0, 10_000, 10)))
    window = {"StartTime": NOW - timedelta(hours=2.9), "EndTime": NOW + timedelta(seconds=1)}
    asked = [query("Sum", 1, Id=f"q{number}") for number in range(101)]
    page = call("GetMetricData", MetricDataQueries=asked, **window)
    assert sum(len(result["Values"]) for result in page["MetricDataResults"]) == 100_800
    assert "NextToken" in page
    assert [result["StatusCode"] for result in page["MetricDataResults"]] == ["Complete"] * 100 + ["PartialData"]


def test_metrics_are_paged(call: Call) -> None:
    for first in (0, 600):
        put(call, *(datum(1, MetricName=f"metric-{number}") for number in range(first, first + 600)))
    pages = [call("ListMetrics")]
    while "NextToken" in pages[-1]:
        pages.append(call("ListMetrics", NextToken=pages[-1]["NextToken"]))
    assert [len(page["Metrics"]) for page in pages] == [500, 500, 200]
    assert len({metric["MetricName"] for page in pages for metric in page["Metrics"]}) == 1200


def test_old_seconds_become_minutes_without_losing_values(call: Call) -> None:
    for first in range(0, 22_000, 1000):
        put(call, *(datum(1, second) for second in range(first, first + 1000)))
    span = {"StartTime": NOW - timedelta(seconds=22_000), "EndTime": NOW + timedelta(seconds=1)}
    found = get(call, query("Sum", 3600), query("SampleCount", 1), **span)
    assert sum(value for _, value in found["sum"]) == 22_000
    assert len(found["samplecount"]) < 22_000


@pytest.mark.parametrize(
    ("period", "days", "is_there"),
    [
        (1, 0.1, True),
        (30, 0.13, False),
        (60, 0.13, True),
        (60, 14, True),
        (60, 16, False),
        (300, 16, True),
        (300, 62, True),
        (300, 64, False),
        (3600, 64, True),
        (3600, 454, True),
        (86400, 456, False),
    ],
)
def test_old_data_are_there_in_long_periods_only(period: int, days: float, is_there: bool) -> None:
    now = NOW.timestamp()
    service = create_service(lambda: now)

    def run(operation: str, **parameters: Any) -> dict[str, Any]:
        return service.operations[operation](Request(operation, parameters, "eu-west-1", "123456789012"))

    put(run, datum(1))
    now += days * 86_400
    window = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW + timedelta(hours=1)}
    assert bool(get(run, query("Sum", period), **window)["sum"]) is is_there
    assert bool(run("ListMetrics")["Metrics"]) is (days <= 14)


def statistics(call: Call, **parameters: Any) -> list[dict[str, Any]]:
    window = {"StartTime": NOW - timedelta(minutes=5), "EndTime": NOW + timedelta(seconds=1), "Period": 60}
    metric = {"Namespace": "ContainerInsights", "MetricName": "pod_cpu_utilization", "Dimensions": dimensions(POD)}
    points: list[dict[str, Any]] = call("GetMetricStatistics", **{**metric, **window, **parameters})["Datapoints"]
    return points


def test_statistics_of_one_metric(call: Call) -> None:
    put(call, datum(1, 10), datum(3, 9), datum(5, 120))
    first, second = statistics(call, Statistics=["Sum", "Average"])
    assert (first["Sum"], second["Sum"], second["Average"]) == (5.0, 4.0, 2.0)
    (_first, ranked) = statistics(call, ExtendedStatistics=["p50", "p100"])
    assert ranked["ExtendedStatistics"] == {"p50": 1.0, "p100": 3.0}


def test_statistics_come_by_unit(call: Call) -> None:
    put(call, datum(1, Unit="Percent"), datum(2, Unit="Percent"), datum(4))
    found = statistics(call, Statistics=["Sum"])
    assert [(point["Unit"], point["Sum"]) for point in found] == [("None", 4.0), ("Percent", 3.0)]
    (percent,) = statistics(call, Statistics=["Sum"], Unit="Percent")
    assert (percent["Unit"], percent["Sum"]) == ("Percent", 3.0)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, "MissingRequiredParameterException"),
        ({"Statistics": ["Sum"], "ExtendedStatistics": ["p50"]}, "InvalidParameterCombinationException"),
        ({"ExtendedStatistics": ["Sum"]}, "InvalidParameterValueException"),
        ({"ExtendedStatistics": ["p50%"]}, "InvalidParameterValueException"),
        ({"Statistics": ["Sum"], "Period": 7}, "InvalidParameterValueException"),
        ({"Statistics": ["Sum"], "EndTime": NOW - timedelta(days=1)}, "InvalidParameterValueException"),
        ({"Statistics": ["Sum"], "StartTime": NOW - timedelta(days=1, minutes=1)}, "1,442 datapoints"),
    ],
)
def test_wrong_statistics_are_refused(call: Call, parameters: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError, match=code):
        statistics(call, **parameters)


def test_dump_names_metrics() -> None:
    service = create_service(NOW.timestamp)
    parameters = {"Namespace": "Own", "MetricData": [datum(1)]}
    service.operations["PutMetricData"](Request("PutMetricData", parameters, "eu-west-1", "123456789012"))
    assert service.dump() == {"eu-west-1": ["Own/pod_cpu_utilization"]}
