"""The queries of a GetMetricData: checked, then answered as time series, each expression after what it names.

Source: Amazon CloudWatch API reference, GetMetricData, MetricDataQuery and MetricStat.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from lark import Token, Tree

from localaws.cloudwatch.expressions import NotHereError, evaluate, parse, references
from localaws.cloudwatch.functions import Scope
from localaws.cloudwatch.labels import LabelError, UnknownValueError, check_label, filled_label, is_dynamic
from localaws.cloudwatch.lines import Line, MathError
from localaws.cloudwatch.search import compile_search
from localaws.cloudwatch.series import LISTED_SECONDS, Metric, MetricStore, metric_of, span
from localaws.cloudwatch.statistics import parse_statistic
from localaws.service import ServiceError

QUERY_LIMIT: Final = 500
SEARCH_LIMIT: Final = 500
"""Series that one search finds at most (user guide, "CloudWatch search expression syntax")."""
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_SHORT_PERIODS: Final = (1, 5, 10, 20, 30)

Query = dict[str, Any]


class Answer(NamedTuple):
    """One series of the reply: whose it is, what it is called, its points."""

    query_id: str
    label: str
    line: Line


class Request(NamedTuple):
    """When is asked for, and when it is asked, in epoch seconds; and where."""

    start: float
    end: float
    now: float
    region: str
    account: str


def checked_queries(parameters: dict[str, Any]) -> list[Query]:
    """The queries of a GetMetricData. Raises ServiceError for wrong ones and for what is not understood here."""
    queries: list[Query] = parameters["MetricDataQueries"]
    if parameters["StartTime"] >= parameters["EndTime"]:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    if not 0 < len(queries) <= QUERY_LIMIT:
        raise invalid(f"The parameter MetricDataQueries must have 1 to {QUERY_LIMIT} queries.")
    repeated = [name for name, count in Counter(query["Id"] for query in queries).items() if count > 1]
    if repeated:
        raise invalid(f"The values for parameter id in MetricDataQueries are not unique: {repeated[0]}.")
    if not any(query.get("ReturnData", True) for query in queries):
        raise invalid("At least one of MetricDataQueries must have ReturnData true.")
    for query in queries:
        _check(query)
    return queries


def _check(query: Query) -> None:
    name = query["Id"]
    if _ID.fullmatch(name) is None:
        raise invalid(f"The id {name} in MetricDataQueries must begin with a lower-case letter.")
    if "AccountId" in query:
        raise not_here("other accounts in GetMetricData")
    _check_label(query.get("Label", ""))
    if ("Expression" in query) == ("MetricStat" in query):
        raise invalid(f"Query {name} must have either an Expression or a MetricStat, and not both.")
    if "Expression" in query:
        check_period(query.get("Period", 60))
        return
    stat = query["MetricStat"]
    for member in ("Namespace", "MetricName"):
        if member not in stat["Metric"]:
            raise invalid(f"Query {name} needs a {member} in its Metric.")
    check_period(stat["Period"])
    _check_statistic(stat["Stat"])


def check_period(seconds: int) -> None:
    """Raises ServiceError for a period that CloudWatch does not have."""
    if seconds not in _SHORT_PERIODS and (seconds < 1 or seconds % 60):
        raise invalid(f"Period must be 1, 5, 10, 20, 30 or a multiple of 60; it is {seconds}.")


def _check_label(label: str) -> None:
    try:
        check_label(label)
    except LabelError as error:
        raise invalid(f"{error}.") from error
    except UnknownValueError as error:
        raise not_here(f"{error} in labels") from error


def _check_statistic(text: str) -> None:
    try:
        parse_statistic(text)
    except ValueError as error:
        raise invalid(f"The value {text} for parameter Stat is not a valid statistic.") from error


class Computation:
    """The series of the queries of one request."""

    def __init__(self, store: MetricStore, queries: list[Query], request: Request) -> None:
        self._store = store
        self._queries = queries
        self._request = request
        self._trees = {query["Id"]: _tree(query) for query in queries if "Expression" in query}
        self._order = self._leaves_first()
        self._metrics = {query["Id"]: self._metric_line(query) for query in queries if "MetricStat" in query}
        self._results: dict[str, Line | list[Line]] = dict(self._metrics)
        self.search_limit_reached = False

    def answers(self) -> list[Answer]:
        """The series to return, in the order of their queries. Raises ServiceError."""
        by_id = {query["Id"]: query for query in self._queries}
        for name in self._order:
            self._results[name] = self._computed(by_id[name])
        returned = [query for query in self._queries if query.get("ReturnData", True)]
        return [answer for query in returned for answer in _answers(query, self._results[query["Id"]])]

    def line(self, metric: Metric, statistic: str, period: int, unit: str | None = None, label: str = "") -> Line:
        """The series of a metric's statistic, under the metric's name where there is no label."""
        seconds, value = span(*self._request[:2], period, self._request.now), parse_statistic(statistic)
        found = self._store.periods(metric, unit, seconds, self._request.now)
        points = {at: number for at, values in found.items() if (number := value(values)) is not None}
        properties = {
            "AccountId": self._request.account,
            "MetricName": metric.name,
            "Namespace": metric.namespace,
            "Period": str(period),
            "Region": self._request.region,
            "Stat": statistic,
            **{f"Dim.{name}": value for name, value in metric.dimensions},
        }
        return Line(label or metric.name, period, points, is_metric=True, properties=properties)

    def _metric_line(self, query: Query) -> Line:
        stat = query["MetricStat"]
        metric = metric_of(stat["Metric"]["Namespace"], stat["Metric"])
        line = self.line(metric, stat["Stat"], stat["Period"], stat.get("Unit"))
        label = query.get("Label", "")
        return replace(line, label=filled_label(label, line, metric.name)) if label else line

    def _leaves_first(self) -> list[str]:
        """The ids of the expressions, each after those that it names.

        Raises ServiceError for an id that is not there, and for expressions that name each other in a circle.
        """
        order: list[str] = []
        ids = {query["Id"] for query in self._queries}
        named = {name: references(tree) for name, tree in self._trees.items()}
        for name, others in named.items():
            if unknown := sorted(others - ids):
                raise invalid(f"Error in expression '{name}': Id {unknown[0]} is not in MetricDataQueries.")
        while leaves := [name for name, others in named.items() if not others & named.keys()]:
            order += leaves
            for name in leaves:
                del named[name]
        if named:
            raise invalid(f"Error in expression '{min(named)}': it names itself by way of others.")
        return order

    def _computed(self, query: Query) -> Line | list[Line]:
        name = query["Id"]
        periods = [line.period_seconds for line in self._metrics.values()]
        scope = Scope(*self._request[:3], query.get("Period", max(periods, default=60)), self._metrics)
        try:
            return evaluate(self._trees[name], scope, self._results.__getitem__, self._search)
        except MathError as error:
            raise invalid(f"Error in expression '{name}': {error}.") from error
        except NotHereError as error:
            raise not_here(f"{error} in metric math") from error

    def _search(self, text: str, statistic: str, period: int) -> list[Line]:
        check_period(period)
        _check_statistic(statistic)
        matches = compile_search(text)
        found = [metric for metric in self._store.metrics(self._request.now - LISTED_SECONDS) if matches(metric)]
        self.search_limit_reached = self.search_limit_reached or len(found) > SEARCH_LIMIT
        found = found[:SEARCH_LIMIT]
        read = partial(self.line, statistic=statistic, period=period)
        return [read(metric, label=label) for metric, label in zip(found, _told_apart(found), strict=True)]


def _tree(query: Query) -> Tree[Token]:
    if query["Expression"].lstrip().upper().startswith("SELECT "):
        raise not_here("Metrics Insights queries")
    try:
        return parse(query["Expression"])
    except MathError as error:
        raise invalid(f"Error in expression '{query['Id']}': {error}.") from error


def _answers(query: Query, result: Line | list[Line]) -> list[Answer]:
    """An array's series bear the query's label before their own, unless it is a dynamic one."""
    name, label = query["Id"], query.get("Label")
    if "MetricStat" in query:
        return [Answer(name, line.label, line) for line in _as_list(result)]
    if label is not None and is_dynamic(label):
        return [Answer(name, filled_label(label, line, line.label or name), line) for line in _as_list(result)]
    if isinstance(result, Line):
        return [Answer(name, name if label is None else label, result)]
    return [Answer(name, f"{label or ''} {line.label}".strip(), line) for line in result]


def _as_list(result: Line | list[Line]) -> list[Line]:
    return [result] if isinstance(result, Line) else result


def _told_apart(metrics: list[Metric]) -> list[str]:
    """A label for each metric: what of its dimensions' values and its name is not the same in all."""
    parts = [[*(value for _name, value in metric.dimensions), metric.name] for metric in metrics]
    if len({len(part) for part in parts}) > 1:
        return [" ".join(part) for part in parts]
    varying = [len(set(column)) > 1 for column in zip(*parts, strict=True)]
    labels = [" ".join(text for text, varies in zip(part, varying, strict=True) if varies) for part in parts]
    return [label or metric.name for label, metric in zip(labels, metrics, strict=True)]


def not_here(what: str) -> ServiceError:
    """The error for what AWS has and localaws does not."""
    return ServiceError("NotImplemented", f"localaws does not implement {what}", status=501)


def invalid(message: str) -> ServiceError:
    """The code that GetMetricData refuses with."""
    return ServiceError("ValidationError", message)
