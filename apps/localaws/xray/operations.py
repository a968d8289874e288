"""The operations of X-Ray, over the traces and sampling rules of each region."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from localaws.service import Operation, Request, Service, ServiceError
from localaws.xray.documents import MalformedSegment, Pool, parse
from localaws.xray.filters import FilterError, Predicate, compile_filter
from localaws.xray.graph import ServiceGraph
from localaws.xray.paging import Tokens, Window, window
from localaws.xray.sampling import SamplingRules
from localaws.xray.store import Position, Trace, TraceStore
from localaws.xray.summaries import moment, summary
from localaws.xray.traces import whole_trace
from localaws.xray.view import TraceView

BATCH_GET_LIMIT: Final = 5
SUMMARIES_A_PAGE: Final = 200
TRACES_SCANNED_A_PAGE: Final = 4_000


def create_service(clock: Callable[[], float]) -> Service:
    """X-Ray with nothing in it; `clock` gives epoch seconds."""
    xray = _XRay(clock)
    operations: dict[str, Operation] = {
        "PutTraceSegments": xray.put_trace_segments,
        "GetTraceSummaries": xray.get_trace_summaries,
        "BatchGetTraces": xray.batch_get_traces,
        "GetServiceGraph": xray.get_service_graph,
        "GetSamplingRules": xray.get_sampling_rules,
        "GetSamplingTargets": xray.get_sampling_targets,
        "CreateSamplingRule": xray.create_sampling_rule,
        "UpdateSamplingRule": xray.update_sampling_rule,
        "DeleteSamplingRule": xray.delete_sampling_rule,
        "GetTraceSegmentDestination": lambda _unused: {"Destination": "XRay", "Status": "ACTIVE"},
        "GetEncryptionConfig": lambda _unused: {"EncryptionConfig": {"Status": "ACTIVE", "Type": "NONE"}},
    }
    return Service("xray", operations, xray.dump)


class _Region:
    """What X-Ray keeps in one region."""

    def __init__(self, clock: Callable[[], float], region: str, account: str) -> None:
        self.traces = TraceStore()
        self.rules = SamplingRules(clock, f"arn:aws:xray:{region}:{account}")
        self.pool = Pool()


class _XRay:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens = Tokens()
        self._regions: dict[str, _Region] = {}
        self._lock = threading.Lock()

    def put_trace_segments(self, request: Request) -> dict[str, Any]:
        region, now = self._region(request), self._clock()
        unprocessed = []
        for document in request.parameters["TraceSegmentDocuments"]:
            try:
                trace_id, second, segment = parse(document, now, region.pool)
            except MalformedSegment as malformed:
                unprocessed.append(_unprocessed(malformed))
            else:
                region.traces.put(trace_id, second, segment, now)
        return {"UnprocessedTraceSegments": unprocessed}

    def get_trace_summaries(self, request: Request) -> dict[str, Any]:
        """One page, newest first. A filter may leave a page short or empty: there is more while it has a NextToken."""
        parameters = request.parameters
        if "SamplingStrategy" in parameters:
            raise ServiceError("NotImplemented", "localaws does not implement SamplingStrategy", status=501)
        accepts = _predicate(parameters)
        found: list[dict[str, Any]] = []
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
        ids = request.parameters["TraceIds"]
        if not 0 < len(ids) <= BATCH_GET_LIMIT:
            raise ServiceError("InvalidRequestException", f"TraceIds takes 1 to {BATCH_GET_LIMIT} ids.")
        _refuse_token(request)
        traces = self._region(request).traces
        found = {trace_id: traces.get(trace_id) for trace_id in ids}
        return {
            "Traces": [whole_trace(trace) for trace in found.values() if trace is not None],
            "UnprocessedTraceIds": [trace_id for trace_id, trace in found.items() if trace is None],
        }

    def get_service_graph(self, request: Request) -> dict[str, Any]:
        parameters = request.parameters
        _refuse_token(request)
        if parameters.get("GroupARN") or parameters.get("GroupName", "Default") != "Default":
            raise ServiceError("InvalidRequestException", "The group does not exist.")
        seconds, graph = window(parameters), ServiceGraph()
        for _unused, trace in self._region(request).traces.newest_first(*seconds):
            graph.add(TraceView(trace))
        return {
            "StartTime": parameters["StartTime"],
            "EndTime": parameters["EndTime"],
            "Services": graph.services(request.account),
            "ContainsOldGroupVersions": False,
        }

    def get_sampling_rules(self, request: Request) -> dict[str, Any]:
        _refuse_token(request)
        return {"SamplingRuleRecords": self._region(request).rules.records()}

    def get_sampling_targets(self, request: Request) -> dict[str, Any]:
        return self._region(request).rules.targets(request.parameters["SamplingStatisticsDocuments"])

    def create_sampling_rule(self, request: Request) -> dict[str, Any]:
        return {"SamplingRuleRecord": self._region(request).rules.create(request.parameters["SamplingRule"])}

    def update_sampling_rule(self, request: Request) -> dict[str, Any]:
        return {"SamplingRuleRecord": self._region(request).rules.update(request.parameters["SamplingRuleUpdate"])}

    def delete_sampling_rule(self, request: Request) -> dict[str, Any]:
        return {"SamplingRuleRecord": self._region(request).rules.delete(request.parameters)}

    def dump(self) -> dict[str, Any]:
        """The sampling rules of each region, without times and without what AWS ships, which reading makes here."""
        with self._lock:
            regions = sorted(self._regions.items())
        rules = {name: region.rules.own() for name, region in regions}
        return {name: {"sampling_rules": own} for name, own in rules.items() if own}

    def _region(self, request: Request) -> _Region:
        with self._lock:
            if request.region not in self._regions:
                self._regions[request.region] = _Region(self._clock, request.region, request.account)
            return self._regions[request.region]

    def _candidates(self, request: Request) -> Iterator[tuple[Position, Trace]]:
        """Traces of the window, by the time of their ids, of their last change, or of their segments' ends."""
        parameters = request.parameters
        seconds = window(parameters)
        kind = parameters.get("TimeRangeType", "TraceId")
        first = seconds.first if kind == "TraceId" else 0
        position = self._tokens.take(parameters)
        for place, trace in self._region(request).traces.newest_first(first, seconds.last, position):
            if kind == "TraceId" or _happened(trace, kind, seconds):
                yield place, trace


def _predicate(parameters: dict[str, Any]) -> Predicate:
    expression = parameters.get("FilterExpression")
    if expression is None:
        return lambda _unused: True
    try:
        return compile_filter(expression)
    except FilterError as error:
        raise ServiceError("InvalidRequestException", f"Invalid filter expression: {error}.") from error


def _happened(trace: Trace, kind: str, seconds: Window) -> bool:
    times = [trace.updated] if kind == "Event" else [segment.end for segment in trace.segments]
    return any(time is not None and seconds.first <= time < seconds.last + 1 for time in times)


def _refuse_token(request: Request) -> None:
    """These answers have one page, so that no token was ever given."""
    if request.parameters.get("NextToken") is not None:
        raise ServiceError("InvalidRequestException", "NextToken is not valid for this request.")


def _unprocessed(malformed: MalformedSegment) -> dict[str, Any]:
    told = {"Id": malformed.segment_id, "ErrorCode": malformed.code, "Message": str(malformed)}
    return {member: value for member, value in told.items() if value is not None}
