"""Queries as GetMetricData brings them: checked, aligned to their periods, and answered point by point.

Source: Amazon CloudWatch API reference, GetMetricData and MetricStat.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from localaws.cloudwatch.series import STATISTICS, MetricStore, metric_of
from localaws.service import ServiceError

QUERY_LIMIT: Final = 500
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_SHORT_PERIODS: Final = (1, 5, 10, 20, 30)


class Point(NamedTuple):
    """A statistic of one period of one query."""

    query_id: str
    at: datetime
    value: float


def checked_queries(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The queries of a GetMetricData. Raises ServiceError for wrong ones and for what is not understood here."""
    queries: list[dict[str, Any]] = parameters["MetricDataQueries"]
    if parameters["StartTime"] >= parameters["EndTime"]:
        raise _wrong("The parameter StartTime must be less than the parameter EndTime.")
    if not 0 < len(queries) <= QUERY_LIMIT:
        raise _wrong(f"The parameter MetricDataQueries must have 1 to {QUERY_LIMIT} queries.")
    repeated = [name for name, count in Counter(query["Id"] for query in queries).items() if count > 1]
    if repeated:
        raise _wrong(f"The id {repeated[0]} is given twice in MetricDataQueries.")
    for query in queries:
        _check(query)
    return queries


def points(store: MetricStore, query: dict[str, Any], start: datetime, end: datetime) -> list[Point]:
    """The points of a query from start to end, which is excluded, oldest first."""
    stat = query["MetricStat"]
    span = _span(start, end, stat["Period"])
    found = store.periods(metric_of(stat["Metric"]["Namespace"], stat["Metric"]), stat.get("Unit"), span)
    return [
        Point(query["Id"], datetime.fromtimestamp(second, UTC), values.value(stat["Stat"])) for second, values in found
    ]


def _span(start: datetime, end: datetime, period_seconds: int) -> range:
    """Whole periods: the start is rounded down to one, to whole minutes at least where the period is no shorter."""
    step = min(period_seconds, 60)
    first = math.floor(start.timestamp() / step) * step
    return range(first, math.ceil(end.timestamp()), period_seconds)


def _check(query: dict[str, Any]) -> None:
    if _ID.fullmatch(query["Id"]) is None:
        raise _wrong(f"The id {query['Id']} in MetricDataQueries must begin with a lower-case letter.")
    if "Expression" in query or "AccountId" in query:
        raise _missing("expressions and other accounts in GetMetricData")
    if "MetricStat" not in query:
        raise ServiceError("MissingRequiredParameterException", f"Query {query['Id']} needs a MetricStat.")
    stat = query["MetricStat"]
    if "Namespace" not in stat["Metric"] or "MetricName" not in stat["Metric"]:
        raise ServiceError(
            "MissingRequiredParameterException", f"Query {query['Id']} needs a Namespace and a MetricName."
        )
    if stat["Period"] not in _SHORT_PERIODS and stat["Period"] % 60:
        raise _wrong(f"Period must be 1, 5, 10, 20, 30 or a multiple of 60; it is {stat['Period']}.")
    if stat["Stat"] not in STATISTICS:
        raise _missing(f"the statistic {stat['Stat']}; there are {', '.join(STATISTICS)}")


def _missing(what: str) -> ServiceError:
    return ServiceError("NotImplemented", f"localaws does not implement {what}", status=501)


def _wrong(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message)
