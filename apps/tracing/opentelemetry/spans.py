"""Documents of X-Ray's shape as OpenTelemetry spans: one for the segment and one for each of its subsegments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from tracing.opentelemetry.attributes import Document, attributes_of, carried_text, exceptions_of

SCOPE: Final = InstrumentationScope("tracing")
EVENTS: Final = "opentelemetry_events"
"""The document's member with the events that code added to the current span: (name, attributes, nanoseconds)."""
NAME: Final = "opentelemetry_name"
"""The document's member with the name that code gave to the current span."""
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)
_UNSET: Final = Status(StatusCode.UNSET)
_ERROR: Final = Status(StatusCode.ERROR)


class DocumentSpan(ReadableSpan):
    """The span at the top of a document, by which documents are counted."""


def span_context(trace_id: str, span_id: str, *, sampled: bool = True, is_remote: bool = False) -> SpanContext:
    """OpenTelemetry's identifiers for X-Ray's: `1-<8 digits>-<24 digits>` and 16 digits."""
    number = int(trace_id[2:10] + trace_id[11:], 16)
    return SpanContext(number, int(span_id, 16), is_remote, _SAMPLED if sampled else _NOT_SAMPLED)


def service_resource(name: str) -> Resource:
    """What sends spans: the service, with what OTEL_RESOURCE_ATTRIBUTES tells of it."""
    found = Resource.create({SERVICE_NAME: name})
    return _HashedOnce(found.attributes, found.schema_url)


class _HashedOnce(Resource):
    """A resource whose hash is its identity: the exporter asks for it with each span, and the SDK's is made of JSON."""

    __hash__ = object.__hash__


def spans_of(document: Document, resource: Resource) -> list[ReadableSpan]:
    """The spans of a closed segment, or of a subsegment that is sent apart, with all that is below it.

    A subsegment without an end gets that of what it is in.
    """
    trace_id, parent_id = document["trace_id"], document.get("parent_id")
    is_segment = document.get("type") != "subsegment"
    parent = None if parent_id is None else span_context(trace_id, parent_id, is_remote=is_segment)
    kind = SpanKind.SERVER if is_segment else _kind(document)
    top = _span(DocumentSpan, document, span_context(trace_id, document["id"]), parent, kind, resource)
    return [top, *_below(document, trace_id, top.context, resource)]


def _below(document: Document, trace_id: str, context: SpanContext, resource: Resource) -> Iterator[ReadableSpan]:
    for part in document.get("subsegments", ()):
        part.setdefault("end_time", max(document["end_time"], part["start_time"]))
        own, parent = span_context(trace_id, part["id"]), context
        if "parent_id" in part:
            parent = span_context(trace_id, part["parent_id"])
        yield _span(ReadableSpan, part, own, parent, _kind(part), resource)
        if "subsegments" in part:
            yield from _below(part, trace_id, own, resource)


def _span(
    make: type[ReadableSpan],
    document: Document,
    context: SpanContext,
    parent: SpanContext | None,
    kind: SpanKind,
    resource: Resource,
) -> ReadableSpan:
    is_segment, end_ns = kind is SpanKind.SERVER, _nanoseconds(document["end_time"])
    return make(
        carried_text(_name(document, is_segment)),
        context,
        parent,
        resource,
        attributes_of(document),
        list(_events(document, end_ns)),
        kind=kind,
        status=_status(document, is_segment),
        start_time=_nanoseconds(document["start_time"]),
        end_time=end_ns,
        instrumentation_scope=SCOPE,
    )


def _kind(part: Document) -> SpanKind:
    return SpanKind.CLIENT if "namespace" in part else SpanKind.INTERNAL


def _name(document: Document, is_segment: bool) -> str:
    """Method and route's template for a request; the callee for a call, and what code calls its own part."""
    if NAME in document:
        return str(document[NAME])
    method = document.get("http", {}).get("request", {}).get("method") if is_segment else None
    if not method:
        return str(document["name"])
    route = document.get("annotations", {}).get("http_route")
    return f"{method} {route}" if route else str(method)


def _status(document: Document, is_segment: bool) -> Status:
    """ERROR for what failed; the conventions leave a server's span with 4xx unset, which is the client's fault."""
    if document.get("fault") or (document.get("error") and not (is_segment and "http" in document)):
        return _ERROR
    return _UNSET


def _events(document: Document, end_ns: int) -> Iterator[Event]:
    for attributes in exceptions_of(document):
        yield Event("exception", attributes, end_ns)
    for name, attributes, timestamp in document.get(EVENTS, ()):
        yield Event(name, attributes, timestamp)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e6) * 1000  # microseconds are what a double has of an epoch second
