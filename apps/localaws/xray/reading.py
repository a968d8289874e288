"""The operations that read traces: summaries, whole traces, the service graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import orjson

from localaws.service import Request, ServiceError
from localaws.xray.graph import ServiceGraph
from localaws.xray.moments import moment
from localaws.xray.paging import Tokens, Window, window
from localaws.xray.region import Regions
from localaws.xray.store import Position, Trace
from localaws.xray.summaries import summary
from localaws.xray.traces import whole_trace
from localaws.xray.view import TraceView

BATCH_GET_LIMIT: Final = 5
SUMMARIES_A_PAGE: Final = 200
TRACES_SCANNED_A_PAGE: Final = 2_000


class Reading:
    """Reads the traces of every region."""

    def __init__(self, regions: Regions, clock: Callable[[], float]) -> None:
        self._regions = regions
        self._clock = clock
        self._tokens = Tokens()

    def get_trace_summaries(self, request: Request) -> dict[str, Any]:
        """One page, newest first. A filter may leave a page short or empty: there is more while it has a NextToken."""
        parameters = request.parameters
        if "SamplingStrategy" in parameters:
            raise ServiceError("NotImplemented", "localaws does not implement SamplingStrategy", status=501)
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
        _refuse_token(request)
        traces = self._regions.of(request).traces
        found = {trace_id: traces.get(trace_id) for trace_id in ids}
        kept = {trace_id: trace for trace_id, trace in found.items() if trace is not None and not trace.in_logs}
        return {
            "Traces": [whole_trace(trace) for trace in kept.values()],
            "UnprocessedTraceIds": [trace_id for trace_id in found if trace_id not in kept],
        }

    def get_service_graph(self, request: Request) -> dict[str, Any]:
        """The graph of the window's indexed traces, whole."""
        parameters = request.parameters
        _refuse_token(request)
        region, graph = self._regions.of(request), ServiceGraph()
        accepts = region.groups.accepts(parameters)
        for _unused, trace in region.traces.newest_first(*window(parameters)):
            if trace.indexed and accepts(view := TraceView(trace)):
                graph.add(view)
        return {
            "StartTime": parameters["StartTime"],
            "EndTime": parameters["EndTime"],
            "Services": graph.services(request.account),
            "ContainsOldGroupVersions": False,
        }

    def _candidates(self, request: Request) -> Iterator[tuple[Position, Trace]]:
        """Traces of the window, by the time of their ids, of their last change, or of their segments' ends."""
        parameters = request.parameters
        seconds = window(parameters)
        kind = parameters.get("TimeRangeType", "TraceId")
        first = seconds.first if kind == "TraceId" else 0
        position = self._tokens.take(parameters)
        for place, trace in self._regions.of(request).traces.newest_first(first, seconds.last, position):
            if trace.indexed and (kind == "TraceId" or _happened(trace, kind, seconds)):
                yield place, trace


def _happened(trace: Trace, kind: str, seconds: Window) -> bool:
    times = [trace.updated] if kind == "Event" else [segment.end for segment in trace.segments]
    return any(time is not None and seconds.first <= time < seconds.last + 1 for time in times)


def _refuse_token(request: Request) -> None:
    """These answers have one page, so that no token was ever given."""
    if request.parameters.get("NextToken") is not None:
        raise ServiceError("InvalidRequestException", "NextToken is not valid for this request.")
