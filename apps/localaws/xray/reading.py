"""The operations that read traces: summaries, whole traces, service graphs, statistics over time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import orjson

from localaws.paging import Pager
from localaws.service import Request, ServiceError
from localaws.xray.graph import ServiceGraph
from localaws.xray.moments import moment
from localaws.xray.paging import Tokens, Window, invalid_token, page, window
from localaws.xray.region import Regions
from localaws.xray.store import Position, Trace
from localaws.xray.summaries import summary
from localaws.xray.timeseries import TimeSeries, period_seconds
from localaws.xray.traces import whole_trace
from localaws.xray.view import TraceView

BATCH_GET_LIMIT: Final = 5
SUMMARIES_A_PAGE: Final = 200
TRACES_SCANNED_A_PAGE: Final = 2_000
SERVICES_A_PAGE: Final = 100
STATISTICS_A_PAGE: Final = 100


class Reading:
    """Reads the traces of every region."""

    def __init__(self, regions: Regions, clock: Callable[[], float]) -> None:
        self._regions = regions
        self._clock = clock
        self._tokens = Tokens()
        self._pager = Pager()

    def get_trace_summaries(self, request: Request) -> dict[str, Any]:
        """One page, newest first. A filter may leave a page short or empty: there is more while it has a NextToken."""
        parameters = request.parameters
        accepts = self._regions.of(request).groups.filter(parameters.get("FilterExpression"))
        found: list[orjson.Fragment] = []
        scanned, position = 0, None
        for place, trace in islice(self._candidates(request), TRACES_SCANNED_A_PAGE):
            scanned, position, view = scanned + 1, place, TraceView(trace)
            if accepts(view):
                found.append(summary(view, request.account))
                if len(found) == SUMMARIES_A_PAGE:
                    break
        answer: dict[str, Any] = {
            "TraceSummaries": found,
            "TracesProcessedCount": scanned,
            "ApproximateTime": moment(position.second if position else self._clock()),
        }
        if position is not None and (scanned == TRACES_SCANNED_A_PAGE or len(found) == SUMMARIES_A_PAGE):
            answer["NextToken"] = self._tokens.give(parameters, position)
        return answer

    def batch_get_traces(self, request: Request) -> dict[str, Any]:
        """Whole traces; those that went to the log group of spans are not found."""
        ids = request.parameters["TraceIds"]
        if not 0 < len(ids) <= BATCH_GET_LIMIT:
            raise ServiceError("InvalidRequestException", f"TraceIds takes 1 to {BATCH_GET_LIMIT} ids.")
        if request.parameters.get("NextToken") is not None:
            # There is one page, so that no token was ever given.
            raise invalid_token()
        found = self._traces(request, ids)
        return {
            "Traces": [whole_trace(trace) for trace in found],
            "UnprocessedTraceIds": [trace_id for trace_id in ids if trace_id not in {trace.id for trace in found}],
        }

    def get_service_graph(self, request: Request) -> dict[str, Any]:
        """One page of the graph of the window's indexed traces."""
        parameters, graph = request.parameters, ServiceGraph()
        for view in self._views(request):
            graph.add(view)
        times = {"StartTime": parameters["StartTime"], "EndTime": parameters["EndTime"]}
        return {**times, **self._services(request, graph), "ContainsOldGroupVersions": False}

    def get_trace_graph(self, request: Request) -> dict[str, Any]:
        """One page of the graph of some traces; those that are not found are left out."""
        ids, graph = request.parameters["TraceIds"], ServiceGraph()
        if not ids:
            raise ServiceError("InvalidRequestException", "TraceIds takes at least one id.")
        for trace in self._traces(request, ids):
            graph.add(TraceView(trace))
        return self._services(request, graph)

    def get_time_series_service_statistics(self, request: Request) -> dict[str, Any]:
        """One page of the statistics of a group's services or edges, by periods."""
        parameters = request.parameters
        if parameters.get("ForecastStatistics"):
            raise ServiceError("NotImplemented", "localaws does not implement ForecastStatistics", status=501)
        selector = self._regions.of(request).groups.selector(parameters.get("EntitySelectorExpression"))
        series = TimeSeries(selector, period_seconds(parameters), window(parameters))
        for view in self._views(request):
            series.add(view)
        found, token = page(self._pager, series.statistics(), STATISTICS_A_PAGE, request.operation, parameters)
        return {"TimeSeriesServiceStatistics": found, "ContainsOldGroupVersions": False, **token}

    def _services(self, request: Request, graph: ServiceGraph) -> dict[str, Any]:
        services = graph.services(request.account)
        found, token = page(self._pager, services, SERVICES_A_PAGE, request.operation, request.parameters)
        return {"Services": found, **token}

    def _traces(self, request: Request, ids: list[str]) -> list[Trace]:
        """The traces of some ids that X-Ray itself keeps, each once."""
        traces = self._regions.of(request).traces
        found = [traces.get(trace_id) for trace_id in dict.fromkeys(ids)]
        return [trace for trace in found if trace is not None and not trace.in_logs]

    def _views(self, request: Request) -> Iterator[TraceView]:
        """The indexed traces of a request's window and group."""
        region, parameters = self._regions.of(request), request.parameters
        accepts = region.groups.accepts(parameters)
        for _unused, trace in region.traces.newest_first(*window(parameters)):
            if trace.indexed and accepts(view := TraceView(trace)):
                yield view

    def _candidates(self, request: Request) -> Iterator[tuple[Position, Trace]]:
        """Traces of the window, by the time of their ids, of their last change, or of their segments' ends."""
        parameters = request.parameters
        seconds, is_sampled = _sampling(parameters, window(parameters))
        kind = parameters.get("TimeRangeType", "TraceId")
        first = seconds.first if kind == "TraceId" else 0
        position = self._tokens.take(parameters)
        for place, trace in self._regions.of(request).traces.newest_first(first, seconds.last, position):
            if trace.indexed and is_sampled(trace) and (kind == "TraceId" or _happened(trace, kind, seconds)):
                yield place, trace


def _sampling(parameters: dict[str, Any], seconds: Window) -> tuple[Window, Callable[[Trace], bool]]:
    """What SamplingStrategy leaves of a window, and which of its traces.

    PartialScan looks at the newest share of the time, FixedRate at a share of the traces, told by their ids.
    """
    strategy = parameters.get("SamplingStrategy")
    if strategy is None:
        return seconds, lambda _unused: True
    share = strategy.get("Value")
    if "Name" not in strategy or share is None or not 0 <= share <= 1:
        raise ServiceError("InvalidRequestException", "SamplingStrategy wants a Name and a Value between 0 and 1.")
    if strategy["Name"] == "PartialScan":
        return Window(seconds.last - int((seconds.last - seconds.first) * share), seconds.last), lambda _unused: True
    return seconds, lambda trace: zlib.crc32(trace.id.encode()) / 2**32 < share


def _happened(trace: Trace, kind: str, seconds: Window) -> bool:
    times = [trace.updated] if kind == "Event" else [segment.end for segment in trace.segments]
    return any(time is not None and seconds.first <= time < seconds.last + 1 for time in times)
