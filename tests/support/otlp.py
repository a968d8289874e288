"""OpenTelemetry's spans for tests, and what they are sent in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support.xray import NOW, trace_id

ID = bytes.fromhex(trace_id()[2:].replace("-", ""))
SERVER, CLIENT, INTERNAL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL


def any_value(value: Any) -> AnyValue:
    """A value as OTLP has it."""
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value", bytes: "bytes_value"}
    return AnyValue(**{kinds[type(value)]: value})


def key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes as OTLP has them."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def span(number: int, kind: Any = SERVER, parent: int | None = None, **members: Any) -> Span:
    """A span of a tenth of a second; `attributes` is a mapping."""
    start = members.pop("start", NOW - 60)
    told = {
        "trace_id": ID,
        "span_id": number.to_bytes(8, "big"),
        "parent_span_id": b"" if parent is None else parent.to_bytes(8, "big"),
        "name": "GET /cart",
        "kind": kind,
        "start_time_unix_nano": int(start * 1e9),
        "end_time_unix_nano": int((start + 0.1) * 1e9),
        **members,
        "attributes": key_values(members.get("attributes", {})),
    }
    return Span(**told)


def export(*spans: Span, **resource: Any) -> ExportTraceServiceRequest:
    """Spans of one service, "front" unless the resource says another."""
    request = ExportTraceServiceRequest()
    told = request.resource_spans.add()
    told.resource.attributes.extend(key_values({"service.name": "front", **resource}))
    told.scope_spans.add().spans.extend(spans)
    return request
