"""The operations of X-Ray: a table of what each region answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from localaws.seed import ACCOUNT
from localaws.service import Operation, Service, ServiceError
from localaws.xray.otlp import put_spans
from localaws.xray.paging import invalid_token
from localaws.xray.parts import MalformedSegment
from localaws.xray.persistence import load, save
from localaws.xray.reading import Reading
from localaws.xray.region import MayWriteSpans, Region, Regions

Answer = dict[str, Any]


def create_service(clock: Callable[[], float], may_write_spans: MayWriteSpans, transition_seconds: float) -> Service:
    """X-Ray with nothing in it.

    `clock` gives epoch seconds; changes of the destination and retrievals take `transition_seconds`.
    """
    regions = Regions(clock, may_write_spans, transition_seconds)
    reading = Reading(regions, clock)
    operations: dict[str, Operation] = {
        "GetTraceSummaries": reading.get_trace_summaries,
        "BatchGetTraces": reading.batch_get_traces,
        "GetServiceGraph": reading.get_service_graph,
        "GetTraceGraph": reading.get_trace_graph,
        "GetTimeSeriesServiceStatistics": reading.get_time_series_service_statistics,
        **{name: _in_region(regions, run) for name, run in _OF_A_REGION.items()},
    }
    return Service(
        "xray", operations, lambda: _dump(regions), save=partial(save, regions), load=partial(load, regions, ACCOUNT)
    )


def _in_region(regions: Regions, run: Callable[[Region, Answer], Answer]) -> Operation:
    return lambda request: run(regions.of(request), request.parameters)


def _put_trace_segments(region: Region, parameters: Answer) -> Answer:
    unprocessed = []
    for document in parameters["TraceSegmentDocuments"]:
        try:
            region.put(document)
        except MalformedSegment as malformed:
            unprocessed.append(_unprocessed(malformed))
    return {"UnprocessedTraceSegments": unprocessed}


def _unprocessed(malformed: MalformedSegment) -> Answer:
    told = {"Id": malformed.segment_id, "ErrorCode": malformed.code, "Message": str(malformed)}
    return {member: value for member, value in told.items() if value is not None}


def _start_trace_retrieval(region: Region, parameters: Answer) -> Answer:
    if not region.destination.was_logs:
        raise ServiceError("ResourceNotFoundException", "The log group aws/spans does not exist.", 404)
    return region.retrievals.start(parameters)


def _untagged(parameters: Answer) -> Answer:
    """The parameters of what is made, without tags: X-Ray's are not kept here."""
    if parameters.get("Tags"):
        raise ServiceError("NotImplemented", "localaws does not implement X-Ray's Tags", status=501)
    return parameters


def _one_page(key: str, members: Callable[[Region], list[Answer]]) -> Callable[[Region, Answer], Answer]:
    """An answer that is whole on its first page, so that no token was ever given."""

    def run(region: Region, parameters: Answer) -> Answer:
        if parameters.get("NextToken") is not None:
            raise invalid_token()
        return {key: members(region)}

    return run


_OF_A_REGION: dict[str, Callable[[Region, Answer], Answer]] = {
    "PutSpans": put_spans,
    "PutTraceSegments": _put_trace_segments,
    "GetSamplingRules": _one_page("SamplingRuleRecords", lambda region: region.rules.records()),
    "GetSamplingTargets": lambda region, given: region.rules.targets(given["SamplingStatisticsDocuments"]),
    "GetSamplingStatisticSummaries": _one_page("SamplingStatisticSummaries", lambda region: region.rules.statistics()),
    "CreateSamplingRule": lambda region, given: {
        "SamplingRuleRecord": region.rules.create(_untagged(given)["SamplingRule"])
    },
    "UpdateSamplingRule": lambda region, given: {
        "SamplingRuleRecord": region.rules.update(given["SamplingRuleUpdate"])
    },
    "DeleteSamplingRule": lambda region, given: {"SamplingRuleRecord": region.rules.delete(given)},
    "CreateGroup": lambda region, given: {"Group": region.groups.create(_untagged(given))},
    "GetGroup": lambda region, given: {"Group": region.groups.get(given)},
    "GetGroups": _one_page("Groups", lambda region: region.groups.all()),
    "UpdateGroup": lambda region, given: {"Group": region.groups.update(given)},
    "DeleteGroup": lambda region, given: region.groups.delete(given),
    "GetTraceSegmentDestination": lambda region, _unused: region.destination.state(),
    "UpdateTraceSegmentDestination": lambda region, given: region.destination.update(given),
    "GetIndexingRules": _one_page("IndexingRules", lambda region: region.indexing.rules()),
    "UpdateIndexingRule": lambda region, given: {"IndexingRule": region.indexing.update(given)},
    "StartTraceRetrieval": _start_trace_retrieval,
    "ListRetrievedTraces": lambda region, given: region.retrievals.listed(given),
    "GetRetrievedTracesGraph": lambda region, given: region.retrievals.graph(given, region.account),
    "CancelTraceRetrieval": lambda region, given: region.retrievals.cancel(given),
    "GetEncryptionConfig": lambda _unused, _given: {"EncryptionConfig": {"Status": "ACTIVE", "Type": "NONE"}},
}


def _dump(regions: Regions) -> Answer:
    """What was set in each region, without times and without what AWS ships, which reading makes here."""
    found = {name: region.dump() for name, region in regions.all()}
    return {name: settings for name, settings in found.items() if settings}
