"""Which questions are asked of CloudWatch, and when an answer is whole."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.metric_dimensions import Scope
from ansible_collections.deepobs.eks.plugins.module_utils.metrics import (
    CloudWatch,
    Question,
    Series,
    check_period,
    check_retention,
    is_up_to_date,
    metric_queries,
    missing_series,
    unit_of,
)

END = datetime(2026, 1, 31, 12, tzinfo=UTC)
CLUSTER = ("ClusterName", "shop")


def question(pods: int = 1, **more: Any) -> Question:
    sets = Scope("shop", "ecommerce", pods=[f"pod-{number}" for number in range(pods)]).dimension_sets()
    given = {"metrics": ("pod_cpu_utilization",), "statistics": ("Average",), "period_seconds": 60}
    return Question(dimension_sets=sets, **{"start": END - timedelta(minutes=10), "end": END, **given, **more})


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("pod_cpu_utilization", "Percent"),
        ("pod_memory_utilization_over_pod_limit", "Percent"),
        ("pod_network_rx_bytes", "Bytes/Second"),
        ("pod_network_tx_bytes", "Bytes/Second"),
        ("node_filesystem_utilization", "Percent"),
        ("pod_memory_working_set", "Bytes"),
        ("pod_number_of_container_restarts", "Count"),
    ],
)
def test_unit_is_the_documented_one(metric: str, unit: str) -> None:
    assert unit_of(metric) == unit


@pytest.mark.parametrize("seconds", [1, 5, 10, 20, 30, 60, 120, 3600])
def test_period_that_cloudwatch_keeps(seconds: int) -> None:
    check_period(seconds)


@pytest.mark.parametrize("seconds", [-60, 0, 2, 15, 61, 90])
def test_period_that_cloudwatch_does_not_keep(seconds: int) -> None:
    with pytest.raises(ValueError, match=f"period_seconds is {seconds}"):
        check_period(seconds)


@pytest.mark.parametrize(
    ("period", "start_days", "end_days", "words"),
    [
        (1, 0.1, 0, ""),
        (30, 0.2, 0, "points of 30 s only from .* give period_seconds as a multiple of 60"),
        (60, 14, 0, ""),
        (60, 16, 0, "points of 60 s only from 2026-01-16T12:00:00Z on, .* multiple of 300"),
        (300, 62, 0, ""),
        (300, 64, 0, "multiple of 3600"),
        (7200, 454, 453, ""),
        (3600, 456, 0, "nothing older than 455 days"),
    ],
)
def test_period_that_is_not_kept_so_long_is_a_warning(
    period: int, start_days: float, end_days: float, words: str
) -> None:
    start, end = (END - timedelta(days=days) for days in (start_days, end_days))
    warning = check_retention(question(period_seconds=period, start=start, end=end), END)
    assert re.search(words, warning) if words else warning == ""


@pytest.mark.parametrize(("period", "end_days"), [(1, 0.2), (60, 15), (300, 63), (3600, 455)])
def test_range_of_which_nothing_is_kept_is_refused(period: int, end_days: float) -> None:
    asked = question(period_seconds=period, start=END - timedelta(days=500), end=END - timedelta(days=end_days))
    with pytest.raises(ValueError, match="the whole range is before that"):
        check_retention(asked, END)


def test_no_query_lacks_dimensions() -> None:
    queries = metric_queries(question(pods=3).series(), 60)
    assert all(query["MetricStat"]["Metric"]["Dimensions"] for query in queries)
    assert len({query["Id"] for query in queries}) == len(queries) == 3


class _PagedClient:
    """CloudWatch's side: answers each query in two pages, in an order of its own."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def get_metric_data(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        first = "NextToken" not in parameters
        queries = parameters["MetricDataQueries"]
        self.sizes.append(len(queries))
        at = END - timedelta(minutes=2 if first else 1)
        results = [{"Id": query["Id"], "Timestamps": [at], "Values": [int(query["Id"][1:])]} for query in queries]
        return {"MetricDataResults": results[::-1], **({"NextToken": "more"} if first else {})}


def test_calls_hold_at_most_five_hundred_queries_and_pages_join() -> None:
    client = _PagedClient()
    series = CloudWatch(client).answer(question(pods=1_100)).series
    assert client.sizes == [500, 500, 500, 500, 100, 100]
    assert [one.values for one in series] == [[number, number] for number in range(1_100)]
    assert series[7].dimensions["PodName"] == "pod-7"
    assert series[7].timestamps == [END - timedelta(minutes=2), END - timedelta(minutes=1)]


@pytest.mark.parametrize(("minutes_ago", "whole"), [(1, True), (2, True), (3, False)])
def test_series_is_whole_when_it_reaches_the_last_periods(minutes_ago: int, whole: bool) -> None:
    series = Series("pod_cpu_utilization", "Average", dict([CLUSTER]), [END - timedelta(minutes=minutes_ago)], [1.0])
    assert is_up_to_date([series], question()) is whole


def test_series_without_points_is_not_whole() -> None:
    assert not is_up_to_date([Series("pod_cpu_utilization", "Average", {})], question())


def test_metric_that_its_pod_does_not_publish_is_not_waited_for() -> None:
    dimensions = dict([CLUSTER])
    known = Series("pod_cpu_utilization", "Average", dimensions, [END], [1.0])
    unknown = Series("pod_network_rx_bytes", "Average", dimensions)
    elsewhere = Series("pod_network_rx_bytes", "Average", {**dimensions, "Namespace": "ecommerce"})
    assert is_up_to_date([known, unknown], question())
    assert not is_up_to_date([known, elsewhere], question())


class _RefusingClient:
    """CloudWatch that may not tell one metric."""

    def get_metric_data(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        refusal = {"Id": "q0", "StatusCode": "Forbidden", "Messages": [{"Code": "x", "Value": "not yours"}]}
        return {"MetricDataResults": [refusal]}


def test_refused_metric_is_missing_with_the_words_of_cloudwatch_and_not_waited_for() -> None:
    cloudwatch = CloudWatch(_RefusingClient())
    series = cloudwatch.answer(question()).series
    assert is_up_to_date(series, question())
    (missing,) = missing_series(series, cloudwatch, question())
    assert missing["reason"].startswith("CloudWatch answered Forbidden not yours for ClusterName=shop")


class _BreakingClient:
    """CloudWatch that fails on the second page."""

    def get_metric_data(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        if "NextToken" in parameters:
            return {"MetricDataResults": [{"Id": "q0", "StatusCode": "InternalError"}]}
        first = {"Id": "q0", "StatusCode": "PartialData", "Timestamps": [END], "Values": [1.0]}
        return {"MetricDataResults": [first], "NextToken": "2"}


def test_refusal_after_some_points_is_a_warning() -> None:
    answer = CloudWatch(_BreakingClient()).answer(question())
    (warning,) = answer.warnings()
    assert warning.startswith("CloudWatch answered InternalError for pod_cpu_utilization with ClusterName=shop")


class _TalkingClient:
    """CloudWatch that gives a part, and says so; it knows other pods."""

    def get_metric_data(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        note = {"Code": "ArithmeticError", "Value": "dropped"}
        partial = {"Id": "q0", "StatusCode": "PartialData", "Timestamps": [END], "Values": [1.0], "Messages": [note]}
        messages = [{"Code": "MaxMetricsExceeded", "Value": "too many"}, {"Code": "Coded"}]
        return {"MetricDataResults": [partial, {"Id": "q1", "StatusCode": "Complete"}], "Messages": messages}

    def list_metrics(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        named = [
            [CLUSTER, ("Namespace", "ecommerce"), ("PodName", name)]
            for name in ("frontend", "redis", "a", "b", "c", "d")
        ]
        metrics = [[{"Name": name, "Value": value} for name, value in one] for one in [*named, [CLUSTER]]]
        return {"Metrics": [{"Dimensions": one} for one in metrics]}


def test_what_cloudwatch_says_becomes_warnings() -> None:
    answer = CloudWatch(_TalkingClient()).answer(question(pods=2))
    where = "pod_cpu_utilization for ClusterName=shop, Namespace=ecommerce, PodName=pod-0"
    assert answer.warnings() == [
        "CloudWatch says: too many",
        "CloudWatch says: Coded",
        f"{where}: dropped",
        f"CloudWatch gave only some points of {where}; shorten the range, or raise period_seconds",
    ]


def test_reason_names_what_is_published_instead() -> None:
    cloudwatch = CloudWatch(_TalkingClient())
    (missing,) = missing_series(cloudwatch.answer(question(pods=2)).series, cloudwatch, question(pods=2))
    assert missing["reason"] == (
        "not published with ClusterName=shop, Namespace=ecommerce, PodName=pod-1 in the last two weeks; it is published"
        " with PodName a, b, c, d, frontend, ..."
    )


@pytest.mark.parametrize(
    ("statistic", "words"), [("Average", "12:00:00Z"), ("p90", "tell p90: it wants single values")]
)
def test_metric_without_a_point_says_what_may_be_wrong(statistic: str, words: str) -> None:
    cloudwatch, asked = CloudWatch(_TalkingClient()), question(statistics=(statistic,))
    known = Series("pod_cpu_utilization", statistic, {**dict([CLUSTER]), "Namespace": "ecommerce", "PodName": "redis"})
    (missing,) = missing_series([known], cloudwatch, asked)
    assert missing["reason"].startswith("published with ClusterName=shop, Namespace=ecommerce, PodName=redis, but")
    assert words in missing["reason"]
