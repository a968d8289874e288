"""The operations of CloudWatch, over the metrics of each region."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from localaws.cloudwatch.data import data_of
from localaws.cloudwatch.functions import DATAPOINTS_LIMIT
from localaws.cloudwatch.point_statistics import statistics_of
from localaws.cloudwatch.queries import Answer, Computation, Query, checked_queries, invalid, not_here
from localaws.cloudwatch.queries import Request as Times
from localaws.cloudwatch.series import LISTED_SECONDS, Metric, MetricStore
from localaws.paging import InvalidTokenError, Pager
from localaws.service import Operation, Request, Service, ServiceError

METRICS_A_PAGE: Final = 500
_RECENT_SECONDS: Final = 3 * 3600
_TOO_MANY: Final = {"Code": "MaxMetricsExceeded", "Value": "Maximum number of allowed metrics exceeded"}
_DROPPED: Final = {
    "Code": "ArithmeticError",
    "Value": "One or more data-points have been dropped due to non-numeric values (NaN, -Infinite, +Infinite)",
}


class _Point(NamedTuple):
    """A point of one of the reply's series, by the position of the series."""

    position: int
    second: int
    value: float


def create_service(clock: Callable[[], float]) -> Service:
    """CloudWatch with nothing in it; `clock` gives epoch seconds."""
    cloudwatch = _CloudWatch(clock)
    operations: dict[str, Operation] = {
        "PutMetricData": cloudwatch.put_metric_data,
        "GetMetricData": cloudwatch.get_metric_data,
        "GetMetricStatistics": cloudwatch.get_metric_statistics,
        "ListMetrics": cloudwatch.list_metrics,
    }
    return Service("cloudwatch", operations, cloudwatch.dump, save=cloudwatch.save, load=cloudwatch.load)


class _CloudWatch:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pager = Pager()
        self._stores: dict[str, MetricStore] = {}
        self._lock = threading.Lock()

    def put_metric_data(self, request: Request) -> dict[str, Any]:
        """All of the data or, when one is wrong, none."""
        now, store = self._clock(), self._store(request)
        for datum in list(data_of(request.parameters, now)):
            store.put(*datum, now)
        return {}

    def get_metric_data(self, request: Request) -> dict[str, Any]:
        """Series by series; there is no further page where expressions are computed, as on AWS."""
        parameters, queries = request.parameters, checked_queries(request.parameters)
        computation = Computation(self._store(request), queries, self._times(request))
        answers = computation.answers()
        points = _points(answers, parameters.get("ScanBy", "TimestampDescending") == "TimestampDescending")
        limit = _limit(parameters)
        page, token = self._page(points, limit, request, "InvalidNextToken")
        unread = {point.position for point in points[points.index(page[-1]) + 1 :]} if page else set()
        answer: dict[str, Any] = {
            "MetricDataResults": _results(answers, page, unread),
            "Messages": [_TOO_MANY] if computation.search_limit_reached else [],
        }
        return answer if token is None or _has_math(queries) else {**answer, "NextToken": token}

    def get_metric_statistics(self, request: Request) -> dict[str, Any]:
        return statistics_of(self._store(request), request.parameters, self._times(request))

    def list_metrics(self, request: Request) -> dict[str, Any]:
        parameters = request.parameters
        if "OwningAccount" in parameters or parameters.get("IncludeLinkedAccounts"):
            raise not_here("other accounts in ListMetrics")
        seconds = _RECENT_SECONDS if "RecentlyActive" in parameters else LISTED_SECONDS
        known = self._store(request).metrics(self._clock() - seconds)
        metrics = [metric for metric in known if _is_wanted(metric, parameters)]
        page, token = self._page(metrics, METRICS_A_PAGE, request, "InvalidParameterValueException")
        answer = {"Metrics": [_described(metric) for metric in page]}
        return answer if token is None else {**answer, "NextToken": token}

    def dump(self) -> dict[str, Any]:
        """The metrics of each region that has any, by namespace and name, without their values."""
        with self._lock:
            stores = sorted(self._stores.items())
        names = {
            region: sorted({f"{metric.namespace}/{metric.name}" for metric in store.metrics()})
            for region, store in stores
        }
        return {region: named for region, named in names.items() if named}

    def _times(self, request: Request) -> Times:
        start, end = request.parameters["StartTime"].timestamp(), request.parameters["EndTime"].timestamp()
        return Times(start, end, self._clock(), request.region, request.account)

    def save(self) -> Any:
        """The data of every region as JSON."""
        with self._lock:
            stores = dict(self._stores)
        return {region: store.save() for region, store in stores.items()}

    def load(self, document: Any) -> None:
        """Takes in what was saved. Raises DocumentError."""
        for region, saved in document.items():
            self._stores[region] = MetricStore()
            self._stores[region].load(saved)

    def _store(self, request: Request) -> MetricStore:
        with self._lock:
            return self._stores.setdefault(request.region, MetricStore())

    def _page(self, items: list[Any], limit: int, request: Request, code: str) -> tuple[Sequence[Any], str | None]:
        query = {name: value for name, value in sorted(request.parameters.items()) if name != "NextToken"}
        scope = f"{request.operation} {request.region} {query}"
        try:
            return self._pager.page(items, limit, request.parameters.get("NextToken"), scope)
        except InvalidTokenError as error:
            raise ServiceError(code, "NextToken is not valid for this request.") from error


def _points(answers: Sequence[Answer], newest_first: bool) -> list[_Point]:
    found: list[_Point] = []
    for position, answer in enumerate(answers):
        series = [_Point(position, second, value) for second, value in answer.line.points.items()]
        found += reversed(series) if newest_first else series
    return found


def _limit(parameters: dict[str, Any]) -> int:
    """How many points a page has. Raises ServiceError for none."""
    wanted: int = parameters.get("MaxDatapoints", DATAPOINTS_LIMIT)
    if wanted < 1:
        raise invalid(f"The parameter MaxDatapoints must be greater than 0; it is {wanted}.")
    return min(wanted, DATAPOINTS_LIMIT)


def _has_math(queries: Sequence[Query]) -> bool:
    return any("Expression" in query for query in queries)


def _results(answers: Sequence[Answer], page: Sequence[_Point], unread: set[int]) -> list[dict[str, Any]]:
    """A page's points by series."""
    results: list[dict[str, Any]] = [
        {
            "Id": answer.query_id,
            "Label": answer.label,
            "Timestamps": [],
            "Values": [],
            "StatusCode": "PartialData" if position in unread else "Complete",
            "Messages": [_DROPPED] if answer.line.has_dropped else [],
        }
        for position, answer in enumerate(answers)
    ]
    for point in page:
        results[point.position]["Timestamps"].append(datetime.fromtimestamp(point.second, UTC))
        results[point.position]["Values"].append(point.value)
    return results


def _is_wanted(metric: Metric, parameters: dict[str, Any]) -> bool:
    """Whether a metric has the namespace, the name and at least the dimensions that are asked for."""
    if parameters.get("Namespace", metric.namespace) != metric.namespace:
        return False
    if parameters.get("MetricName", metric.name) != metric.name:
        return False
    dimensions = dict(metric.dimensions)
    return all(
        entry["Name"] in dimensions and entry.get("Value", dimensions[entry["Name"]]) == dimensions[entry["Name"]]
        for entry in parameters.get("Dimensions", ())
    )


def _described(metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
