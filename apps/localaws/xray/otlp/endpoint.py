"""Takes spans in: checks the limits of X-Ray's OTLP endpoint, and puts each span as a segment into the region.

Source: CloudWatch user guide, "OTLP endpoints: Endpoint limits and restrictions".
"""

from __future__ import annotations

from typing import Any, Final

from localaws.service import ServiceError
from localaws.xray.otlp.segments import Resource, segment
from localaws.xray.parts import MalformedSegment
from localaws.xray.region import Region

SPAN_LIMIT: Final = 10_000
SPAN_LIMIT_BYTES: Final = 200 * 1024
PAST_SECONDS: Final = 14 * 24 * 3600
FUTURE_SECONDS: Final = 2 * 3600
GAP_SECONDS: Final = 24 * 3600
_NO_TRANSACTION_SEARCH: Final = (
    "The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination. Please enable the CloudWatch Logs "
    "destination for your traces using the UpdateTraceSegmentDestination API "
    "(https://docs.aws.amazon.com/xray/latest/api/API_UpdateTraceSegmentDestination.html)"
)


def put_spans(region: Region, parameters: dict[str, Any]) -> dict[str, Any]:
    """Takes the spans of an ExportTraceServiceRequest; tells how many were rejected, and why the first one was.

    Raises ServiceError for a request that is refused whole.
    """
    if region.destination.place != "CloudWatchLogs":
        raise _refused(_NO_TRANSACTION_SEARCH)
    found = [
        (span, resource)
        for resource_spans in parameters["request"].resource_spans
        for resource in [Resource(resource_spans.resource)]
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]
    _check([span for span, _unused in found], region.now())
    reasons = [reason for span, resource in found if (reason := _put(region, span, resource))]
    return {"rejected": len(reasons), "message": reasons[0] if reasons else ""}


def _put(region: Region, span: Any, resource: Resource) -> str | None:
    """Puts one span; why it is rejected, None where it is taken."""
    if len(span.trace_id) != 16 or not any(span.trace_id) or len(span.span_id) != 8 or not any(span.span_id):
        return "a span needs a traceId of 16 bytes and a spanId of 8 bytes, not all of them 0"
    if span.ByteSize() > SPAN_LIMIT_BYTES:
        return f"span {span.span_id.hex()} has more than {SPAN_LIMIT_BYTES} bytes"
    if span.end_time_unix_nano < span.start_time_unix_nano:
        return f"span {span.span_id.hex()} ends before it starts"
    try:
        region.put_parsed(segment(span, resource))
    except MalformedSegment as error:
        return f"span {span.span_id.hex()}: {error}"
    return None


def _check(spans: list[Any], now: float) -> None:
    if len(spans) > SPAN_LIMIT:
        raise _refused(f"The request has {len(spans)} spans, more than {SPAN_LIMIT}.")
    starts = [span.start_time_unix_nano / 1e9 for span in spans]
    if not starts:
        return
    if min(starts) < now - PAST_SECONDS or max(starts) > now + FUTURE_SECONDS:
        raise _refused("Spans must not be more than 14 days in the past or 2 hours in the future.")
    if max(starts) - min(starts) > GAP_SECONDS:
        raise _refused("The spans of one request must lie within 24 hours.")


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)
