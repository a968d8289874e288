"""Metric math through GetMetricData, against tables of the CloudWatch user guide and values computed another way."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localaws.cloudwatch import create_service
from localaws.cloudwatch.expressions import evaluate, parse
from localaws.cloudwatch.functions import Scope
from localaws.cloudwatch.lines import Line
from localaws.service import Request, ServiceError

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTES = 5
START = NOW - timedelta(minutes=MINUTES)
Values = list[float | None]
Put = Callable[..., None]


class Account:
    """A CloudWatch of one region, with metrics m1, m2... a point a minute."""

    def __init__(self) -> None:
        self._service = create_service(NOW.timestamp)
        self._queries: list[dict[str, Any]] = []

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._service.operations[operation](Request(operation, parameters, "eu-west-1", "123456789012"))

    def put(self, name: str, values: Values, namespace: str = "Own", **dimensions: str) -> None:
        """Publishes values, None for a minute without one, and keeps a query for them under the name."""
        named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        metric = {"MetricName": name, "Dimensions": named}
        data = [
            {**metric, "Value": value, "Timestamp": START + timedelta(minutes=minute)}
            for minute, value in enumerate(values)
            if value is not None
        ]
        if data:
            self.call("PutMetricData", Namespace=namespace, MetricData=data)
        stat = {"Metric": {"Namespace": namespace, **metric}, "Period": 60, "Stat": "Average"}
        self._queries.append({"Id": name, "MetricStat": stat, "ReturnData": False})

    def ask(self, *expressions: str, metrics: bool = True, **parameters: Any) -> list[dict[str, Any]]:
        """The results of expressions e1, e2..."""
        asked = [{"Id": f"e{number}", "Expression": text} for number, text in enumerate(expressions, 1)]
        return self.results(*asked, metrics=metrics, **parameters)

    def results(self, *queries: dict[str, Any], metrics: bool = True, **parameters: Any) -> list[dict[str, Any]]:
        asked = [*(self._queries if metrics else []), *queries]
        times = {"StartTime": START, "EndTime": NOW, "ScanBy": "TimestampAscending"}
        found: list[dict[str, Any]] = self.call("GetMetricData", **{**times, "MetricDataQueries": asked, **parameters})[
            "MetricDataResults"
        ]
        return found

    def values(self, expression: str) -> Values:
        """The values of an expression with one series, minute by minute."""
        (result,) = self.ask(expression)
        points = dict(zip(result["Timestamps"], result["Values"], strict=True))
        return [points.get(START + timedelta(minutes=minute)) for minute in range(MINUTES)]


@pytest.fixture
def account() -> Account:
    return Account()


N = None
THREE: dict[str, Values] = {"m1": [30, 20, 0, 0, N], "m2": [20, N, 20, N, 10], "m3": [1, 2, 3, 4, 5]}


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("m1 + m2", [50, 20, 20, 0, 10]),
        ("m1 - m2", [10, 20, -20, 0, -10]),
        ("m1 / m2", [1.5, N, 0, N, 0]),
        ("2 ^ 3 ^ 2 * m3 / 512", [1, 2, 3, 4, 5]),
        ("-m3 ^ 2", [-1, -4, -9, -16, -25]),
        ("100 - 2 * (m3 + 1) - 1", [95, 93, 91, 89, 87]),
        ("m1 < m2", [0, 0, 1, 0, 1]),
        ("m1 >= 30", [1, 0, 0, 0, N]),
        ("m1 > 15 AND m2 > 15", [1, 0, 0, 0, 0]),
        ("m1 > 15 && m2 > 15 || m3 == 4", [1, 0, 0, 1, 0]),
        ("m3 > 1 AND m3 < 3 OR m3 != 2 AND m3 <= 1", [1, 1, 0, 0, 0]),
        ("TIME_SERIES(3 > 2) * (1 == 2)", [0, 0, 0, 0, 0]),
        ("SUM([m1, m2])", [50, 20, 20, 0, 10]),
        ("SUM(METRICS())", [51, 22, 23, 4, 15]),
        ('SUM([METRICS("2"), METRICS("3")])', [21, 2, 23, 4, 15]),
        ("AVG([m1, m2])", [25, 10, 10, 0, 5]),
        ("MIN([m1, m2])", [20, 20, 0, 0, 10]),
        ("MAX([m1, m2])", [30, 20, 20, 0, 10]),
        ("STDDEV([m1, m2])", [5, 0, 10, 0, 0]),
        ("DATAPOINT_COUNT([m1, m2])", [2, 1, 2, 1, 1]),
        ("m3 - AVG(m3)", [-2, -1, 0, 1, 2]),
        ("m3 * SUM(m3) / MAX(m3) / MIN(m3)", [3, 6, 9, 12, 15]),
        ("m3 * STDDEV(m3) ^ 2", [2, 4, 6, 8, 10]),
        ("SUM(m1) / DATAPOINT_COUNT(m1) * m3", [12.5, 25, 37.5, 50, 62.5]),
        ("m3 / METRIC_COUNT(METRICS())", [1 / 3, 2 / 3, 1, 4 / 3, 5 / 3]),
        ("ABS(m1 - m2)", [10, 20, 20, 0, 10]),
        ("CEIL(m3 / 2)", [1, 1, 2, 2, 3]),
        ("FLOOR(m3 / 2)", [0, 1, 1, 2, 2]),
        ("LOG10(m1 * 5)", [math.log10(150), 2, N, N, N]),
        ("LOG(m3)", [math.log(value) for value in (1, 2, 3, 4, 5)]),
        ("DIFF(m2)", [N, N, 0, N, -10]),
        ("DIFF_TIME(m2)", [N, N, 120, N, 120]),
        ("RATE(m2) * 120", [N, N, 0, N, -10]),
        ("RUNNING_SUM(m2)", [20, N, 40, N, 50]),
        ("FILL(m2, 7)", [20, 7, 20, 7, 10]),
        ("FILL(m2, REPEAT)", [20, 20, 20, 20, 10]),
        ("FILL(m2, LINEAR)", [20, 20, 20, 15, 10]),
        ("FILL(m1, LINEAR)", [30, 20, 0, 0, N]),
        ("FILL(m2, m3)", [20, 2, 20, 4, 10]),
        ("FILL(m2, MIN(m2))", [20, 10, 20, 10, 10]),
        ("m3 / PERIOD(m3)", [1 / 60, 2 / 60, 3 / 60, 4 / 60, 5 / 60]),
        ("MINUTE(m1)", [55, 56, 57, 58, 59]),
        ("HOUR(m1)", [11] * 5),
        ("DAY(m1)", [7] * 5),
        ("DATE(m1)", [22] * 5),
        ("MONTH(m1) * 10000 + YEAR(m1)", [112026] * 5),
        ("EPOCH(m1) - 1795348500", [0, 60, 120, 180, 240]),
        ("TIME_SERIES(MAX(m1))", [30] * 5),
        ("IF(m1 < 20, 10, 2)", [2, 2, 10, 10, N]),
        ("IF(m1 < 20, m1)", [N, N, 0, 0, N]),
        ("FIRST(SORT(METRICS(), AVG, DESC))", [20, N, 20, N, 10]),
        ("LAST(SORT(METRICS(), SUM, DESC))", [1, 2, 3, 4, 5]),
        ("SUM(SLICE(SORT(METRICS(), MAX, ASC), 1))", [50, 20, 20, 0, 10]),
        ("SUM(SLICE(METRICS(), 0, 1))", [30, 20, 0, 0, N]),
        ("SUM(SORT(METRICS(), MIN, ASC, 1))", [30, 20, 0, 0, N]),
    ],
)
def test_expression(account: Account, expression: str, values: Values) -> None:
    for name, given_values in THREE.items():
        account.put(name, given_values)
    assert account.values(expression) == [N if value is None else pytest.approx(value) for value in values]


CHOICES = [
    # The tables of "Using IF expressions".
    ("IF(m1, m2, m3)", [30, 0, 20, N, N]),
    ("IF(m1, 5, m3)", [5, 5, 20, N, N]),
    ("IF(m1, m2, 5)", [30, 0, 5, 5, N]),
    ("IF(m1, m2)", [30, 0, N, N, N]),
    ("IF(2 > 1, m2, m3)", [30, N, 0, 0, 30]),
    ("IF(1 > 2, m2, m3)", [0, 0, 20, N, 20]),
    ("IF(1 > 2, m2)", [N, N, N, N, N]),
]


@pytest.mark.parametrize(("expression", "values"), CHOICES)
def test_if(account: Account, expression: str, values: Values) -> None:
    for name, row in {"m1": [1, 1, 0, 0, N], "m2": [30, N, 0, 0, 30], "m3": [0, 0, 20, N, 20]}.items():
        account.put(name, list(row))
    assert account.values(expression) == values


def test_array_comes_as_a_result_a_series_each_with_its_label(account: Account) -> None:
    for name, values in THREE.items():
        account.put(name, values)
    account.put("m4", [])
    found = account.results(
        {"Id": "all", "Expression": "REMOVE_EMPTY(METRICS()) * 2", "Label": "Double"},
        {"Id": "each", "Expression": "100 / METRICS()"},
    )
    assert [(result["Id"], result["Label"]) for result in found] == [
        *(("all", f"Double {name}") for name in ("m1", "m2", "m3")),
        *(("each", name) for name in ("m1", "m2", "m3", "m4")),
    ]
    assert found[3]["Messages"][0]["Code"] == "ArithmeticError"
    assert found[0]["Messages"] == []


def test_expressions_build_on_each_other_in_any_order(account: Account) -> None:
    account.put("m1", [1, 2, 3, 4, 5])
    (_second, first) = account.ask("e2 * 10", "m1 + 1")
    assert account.ask("e2 * 10", "m1 + 1")[0]["Values"] == [20, 30, 40, 50, 60]
    assert (first["Id"], first["Label"], first["StatusCode"]) == ("e2", "e2", "Complete")


def test_expressions_have_no_further_page(account: Account) -> None:
    account.put("m1", [1, 2, 3, 4, 5])
    asked = {"Id": "e1", "Expression": "m1 * 2"}
    answer = account.call(
        "GetMetricData", MetricDataQueries=[*account._queries, asked], StartTime=START, EndTime=NOW, MaxDatapoints=3
    )
    assert (answer["MetricDataResults"][0]["StatusCode"], "NextToken" in answer) == ("PartialData", False)


@pytest.mark.parametrize(
    ("expressions", "message"),
    [
        (["m1 +"], "Error in expression 'e1': Invalid syntax"),
        (["m1 ** 2"], "Invalid syntax at character 4"),
        (["m9"], "Id m9 is not in MetricDataQueries"),
        (["e2", "e1"], "names itself"),
        (["e1"], "names itself"),
        (["5"], "must be a time series"),
        (["AVG(m1)"], "must be a time series"),
        (["NOTHING(m1)"], "Unknown function NOTHING"),
        (["AVG(m1, m1)"], "AVG takes 1 arguments, not 2"),
        (["AVG(5) * m1"], "an array of time series is wanted"),
        (["METRICS() + METRICS()"], "two arrays"),
        (["METRICS() > 5"], "Unsupported operand types for >"),
        (["m1 + 'text'"], "Unsupported operand types for"),
        (["[m1, 5]"], "An array holds time series"),
        (["METRICS(AVG)"], "METRICS takes a quoted part"),
        (["FILL(m1, DESC)"], "FILL takes"),
        (["SORT(METRICS(), STDDEV, ASC)"], "SORT takes"),
        (["SLICE(m1, 0)"], "SLICE: an array"),
        (["FIRST(m1)"], "FIRST: an array"),
        (["HOUR(METRICS())"], "HOUR: a single time series"),
        (["ABS(5) * m1"], "ABS: a time series or an array"),
        (["TIME_SERIES(m1)"], "TIME_SERIES: a number"),
        (["PERIOD(m1 * 2) * m1"], "PERIOD takes a metric"),
        (["IF(METRICS(), 1, 0)"], "IF: a number is wanted"),
        (["IF(m1, METRICS())"], "IF takes numbers and single"),
        (["IF(1, 2, 3)"], "IF needs a time series"),
        (["SEARCH('x')"], "SEARCH takes"),
        (["SEARCH('(x', 'Sum', 60)"], "the search is not understood at character"),
        (["SEARCH(' ', 'Sum', 60)"], "a search needs"),
        ([f"SEARCH('{'x' * 1025}', 'Sum', 60)"], "at most 1024 characters"),
        (["SEARCH('x', 'sum', 60)"], "sum for parameter Stat"),
        (["SEARCH('x', 'Sum', 61)"], "Period must be"),
    ],
)
def test_wrong_expression_is_a_validation_error(account: Account, expressions: list[str], message: str) -> None:
    account.put("m1", [1, 2, 3, 4, 5])
    with pytest.raises(ServiceError) as caught:
        account.ask(*expressions)
    assert caught.value.code == "ValidationError"
    assert message in caught.value.message


@pytest.mark.parametrize(
    "expression", ["ANOMALY_DETECTION_BAND(m1)", "SERVICE_QUOTA(m1)", 'SELECT AVG(x) FROM "y"', "LAMBDA('f', m1)"]
)
def test_what_is_missing_here_says_so(account: Account, expression: str) -> None:
    account.put("m1", [1])
    with pytest.raises(ServiceError, match="NotImplemented"):
        account.ask(expression)


def pods(account: Account) -> None:
    for pod in ("backend", "frontend"):
        account.put("pod_cpu", [1, 2], "ContainerInsights", ClusterName="shop", PodName=pod)
    account.put("pod_cpu", [3], "ContainerInsights", ClusterName="shop")
    account.put("CustomCount1", [9], "Other")


@pytest.mark.parametrize(
    ("search", "labels"),
    [
        ("{ContainerInsights,ClusterName,PodName} pod", ["backend", "frontend"]),
        ('{ContainerInsights, ClusterName}, MetricName="pod_cpu"', ["pod_cpu"]),
        ("{Other}", ["CustomCount1"]),
        ("{Other,ClusterName}", []),
        ('NOT Namespace=Other PodName="backend"', ["pod_cpu"]),
        ("PodName=back", []),
        ("customcount1", ["CustomCount1"]),
    ],
)
def test_search_finds_metrics_by_schema_and_term(account: Account, search: str, labels: list[str]) -> None:
    pods(account)
    found = account.ask(f"SEARCH('{search}', 'Sum', 60)", metrics=False)
    assert [result["Label"] for result in found] == labels


def test_search_is_summed_and_has_the_period_of_its_query(account: Account) -> None:
    pods(account)
    query = {"Id": "e1", "Expression": "SUM(SEARCH('{ContainerInsights,ClusterName,PodName}', 'Sum'))", "Period": 300}
    (result,) = account.results(query, metrics=False)
    assert result["Values"] == [6]


def test_dynamic_labels_are_filled_in_for_each_series(account: Account) -> None:
    pods(account)
    label = "${LABEL}: ${MAX} of ${DATAPOINT_COUNT}, ${PROP('Dim.PodName')} ${PROP('Stat')} ${PROP('Region')}"
    search = {"Id": "e1", "Expression": "SEARCH('{ContainerInsights,ClusterName,PodName}', 'Sum', 60)", "Label": label}
    found = account.results(search, metrics=False)
    assert [result["Label"] for result in found] == [
        f"{pod}: 2 of 2, {pod} Sum eu-west-1" for pod in ("backend", "frontend")
    ]
    stat: dict[str, Any] = {"Metric": {"Namespace": "Other", "MetricName": "CustomCount1"}, "Period": 60, "Stat": "p50"}
    queries: list[dict[str, Any]] = [
        {"Id": "m1", "MetricStat": stat, "Label": "${LABEL} ${FIRST_LAST_RANGE} ${AVG}"},
        {"Id": "e2", "Expression": "TIME_SERIES(5)", "Label": "${LABEL} ${SUM} ${PROP('Stat')}"},
        {"Id": "m2", "MetricStat": {**stat, "Metric": {**stat["Metric"], "MetricName": "no"}}, "Label": "${MIN}"},
    ]
    found = account.results(*queries, metrics=False)
    assert [result["Label"] for result in found] == ["CustomCount1 0 9", "e2 25 -", "-"]


def test_search_without_a_find_answers_with_nothing(account: Account) -> None:
    assert account.ask("SEARCH('{Own}', 'Sum', 60)") == []


def test_search_gives_500_series_and_says_that_there_are_more(account: Account) -> None:
    for number in range(502):
        account.put(f"metric{number}", [1])
    answer = account.call(
        "GetMetricData",
        MetricDataQueries=[{"Id": "e1", "Expression": "SEARCH('{Own}', 'Sum', 60)"}],
        StartTime=START,
        EndTime=NOW,
    )
    assert (len(answer["MetricDataResults"]), answer["Messages"][0]["Code"]) == (500, "MaxMetricsExceeded")


SERIES = st.dictionaries(
    st.integers(0, 9).map(lambda minute: 60 * minute), st.integers(-1000, 1000).map(float), max_size=10
)


def computed(expression: str, **series: dict[int, float]) -> dict[int, float]:
    lines = {name: Line(name, 60, dict(sorted(points.items())), True) for name, points in series.items()}
    result = evaluate(parse(expression), Scope(0.0, 600.0, 600.0, 60, lines), lines.__getitem__, lambda *_unused: [])
    assert isinstance(result, Line)
    return result.points


@given(SERIES, SERIES)
def test_arithmetic_holds_missing_points_for_zero(left: dict[int, float], right: dict[int, float]) -> None:
    seconds = left.keys() | right.keys()
    assert computed("a + b", a=left, b=right) == {at: left.get(at, 0.0) + right.get(at, 0.0) for at in seconds}
    assert computed("a - b", a=left, b=right) == computed("-(b - a)", a=left, b=right)
    divided = {at: left.get(at, 0.0) / right[at] for at in right if right[at]}
    assert computed("a / b", a=left, b=right) == {at: value for at, value in divided.items() if math.isfinite(value)}


@given(SERIES, SERIES, SERIES)
def test_aggregates_of_arrays_agree_with_pythons(a: dict[int, float], b: dict[int, float], c: dict[int, float]) -> None:
    named, series = {"a": a, "b": b, "c": c}, (a, b, c)
    there = {at: [one[at] for one in series if at in one] for one in series for at in one}
    functions: dict[str, Callable[[list[float]], float]] = {
        "MAX": max,
        "MIN": min,
        "STDDEV": statistics.pstdev,
        "SUM": math.fsum,
        "AVG": lambda values: math.fsum(values) / 3,
    }
    for name, function in functions.items():
        want = {at: pytest.approx(function(values), rel=1e-6, abs=1e-6) for at, values in there.items()}
        assert computed(f"{name}([a, b, c])", **named) == want


@given(SERIES)
def test_rate_times_time_is_difference_and_sums_back(points: dict[int, float]) -> None:
    difference = computed("DIFF(a)", a=points)
    assert computed("RATE(a) * DIFF_TIME(a)", a=points) == {
        at: pytest.approx(value, rel=1e-6, abs=1e-6) for at, value in difference.items()
    }
    assert len(difference) == max(len(points) - 1, 0)


@given(SERIES, st.integers(0, 100))
def test_fill_keeps_what_is_there_and_leaves_no_gap(points: dict[int, float], filler: int) -> None:
    filled = computed(f"FILL(a, 0) + {filler}", a=points)
    assert list(filled) == list(range(0, 600, 60))
    assert all(filled[at] == value + filler for at, value in points.items())
    assert computed("FILL(a, REPEAT)", a=points).keys() == {
        at for at in range(0, 600, 60) if points and at >= min(points)
    }


def test_long_sums_and_long_chains_are_computed(account: Account) -> None:
    account.put("m1", [1, 2, 3, 4, 5])
    assert account.values("+".join(["m1"] * 600)) == [600, 1200, 1800, 2400, 3000]
    chain = [f"e{number + 1}+1" for number in range(1, 499)]
    first = account.ask(*chain, "m1")[0]
    assert first["Values"] == [499, 500, 501, 502, 503]


@pytest.mark.parametrize("function", ["SUM", "AVG", "STDDEV"])
def test_what_is_too_large_for_a_number_is_dropped(account: Account, function: str) -> None:
    account.put("m1", [1e100, 1e100, 1e100, 1e100, 1e100])
    large = f"m1*1{'0' * 208}"
    (result,) = account.ask(f"{function}([{large},{large}])")
    assert function == "STDDEV" or (result["Values"], len(result["Messages"])) == ([], 1)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SLICE(METRICS(),0/0)", "SLICE: a whole number is wanted"),
        ("SORT(METRICS(),SUM,ASC,0/0)", "SORT: a whole number is wanted"),
        ("SEARCH('x','Sum',0/0)", "Period must be"),
        (f"SEARCH('{'NOT ' * 200}x','Sum',60)", "a search has at most 100 terms or levels"),
    ],
)
def test_numbers_that_are_none_are_refused(account: Account, expression: str, message: str) -> None:
    account.put("m1", [1, 2])
    with pytest.raises(ServiceError, match=f"ValidationError: .*{message}"):
        account.ask(expression)


def test_periods_are_as_many_as_a_reply_has_points(account: Account) -> None:
    account.put("m1", [1])
    with pytest.raises(ServiceError, match=r"TIME_SERIES: .* periods are more than 100,800"):
        account.ask("TIME_SERIES(1)", StartTime=datetime(1, 1, 1, tzinfo=UTC))
