"""The operations of CloudWatch, over the metrics of each region."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from localaws.cloudwatch.data import data_of
from localaws.cloudwatch.queries import Point, checked_queries, points
from localaws.cloudwatch.series import Metric, MetricStore
from localaws.paging import InvalidTokenError, Pager
from localaws.service import Operation, Request, Service, ServiceError

DATAPOINTS_LIMIT: Final = 100_800
METRICS_A_PAGE: Final = 500
_RECENT_SECONDS: Final = 3 * 3600


def create_service(clock: Callable[[], float]) -> Service:
    """CloudWatch with nothing in it; `clock` gives epoch seconds."""
    cloudwatch = _CloudWatch(clock)
    operations: dict[str, Operation] = {
        "PutMetricData": cloudwatch.put_metric_data,
        "GetMetricData": cloudwatch.get_metric_data,
        "ListMetrics": cloudwatch.list_metrics,
    }
    return Service("cloudwatch", operations, cloudwatch.dump)


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
        parameters, store = request.parameters, self._store(request)
        queries = [query for query in checked_queries(parameters) if query.get("ReturnData", True)]
        newest_first = parameters.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        found: list[Point] = []
        for query in queries:
            series = points(store, query, parameters["StartTime"], parameters["EndTime"])
            found += reversed(series) if newest_first else series
        limit = min(parameters.get("MaxDatapoints", DATAPOINTS_LIMIT), DATAPOINTS_LIMIT)
        page, token = self._page(found, limit, request, "InvalidNextToken")
        answer = {"MetricDataResults": _results(queries, page, token is None), "Messages": []}
        return answer if token is None else {**answer, "NextToken": token}

    def list_metrics(self, request: Request) -> dict[str, Any]:
        parameters = request.parameters
        since = self._clock() - _RECENT_SECONDS if "RecentlyActive" in parameters else 0.0
        metrics = [
            metric
            for metric, updated in self._store(request).metrics()
            if updated >= since and _is_wanted(metric, parameters)
        ]
        page, token = self._page(metrics, METRICS_A_PAGE, request, "InvalidParameterValueException")
        answer = {"Metrics": [_described(metric) for metric in page]}
        return answer if token is None else {**answer, "NextToken": token}

    def dump(self) -> dict[str, Any]:
        """The metrics of each region that has any, by namespace and name, without their values."""
        with self._lock:
            stores = sorted(self._stores.items())
        names = {
            region: sorted({f"{metric.namespace}/{metric.name}" for metric, _unused in store.metrics()})
            for region, store in stores
        }
        return {region: named for region, named in names.items() if named}

    def _store(self, request: Request) -> MetricStore:
        with self._lock:
            return self._stores.setdefault(request.region, MetricStore())

    def _page(self, items: list[Any], limit: int, request: Request, code: str) -> tuple[Iterable[Any], str | None]:
        query = {name: value for name, value in sorted(request.parameters.items()) if name != "NextToken"}
        scope = f"{request.operation} {request.region} {query}"
        try:
            return self._pager.page(items, limit, request.parameters.get("NextToken"), scope)
        except InvalidTokenError as error:
            raise ServiceError(code, "NextToken is not valid for this request.") from error


def _results(queries: list[dict[str, Any]], page: Iterable[Point], is_last: bool) -> list[dict[str, Any]]:
    """A page's points by query; those of a page that is not the last may not be all."""
    results = {
        query["Id"]: {
            "Id": query["Id"],
            "Label": query.get("Label", query["MetricStat"]["Metric"]["MetricName"]),
            "Timestamps": [],
            "Values": [],
            "StatusCode": "Complete" if is_last else "PartialData",
        }
        for query in queries
    }
    for point in page:
        results[point.query_id]["Timestamps"].append(point.at)
        results[point.query_id]["Values"].append(point.value)
    return list(results.values())


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
