"""Segments as the OpenTelemetry spans that Transaction Search keeps: one for each segment and each subsegment.

Source: CloudWatch user guide, "Transaction Search": X-Ray's traces are turned into the semantic conventions' format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from localaws.xray.parts import exceptions, member, outcome
from localaws.xray.view import TraceView

_SAMPLED: Final = 1
_HTTP: Final = {
    ("request", "method"): "http.request.method",
    ("request", "url"): "url.full",
    ("request", "user_agent"): "user_agent.original",
    ("request", "client_ip"): "client.address",
    ("response", "status"): "http.response.status_code",
    ("response", "content_length"): "http.response.body.size",
}
_SQL: Final = {"database_type": "db.system.name", "sanitized_query": "db.query.text", "user": "db.user"}


def spans(view: TraceView) -> list[tuple[str, str]]:
    """The id and the document of each span of a trace."""
    trace_id = view.trace.id.removeprefix("1-").replace("-", "")
    return [
        (part["id"], orjson.dumps(_span(part, parent_id, trace_id, service, kind)).decode())
        for segment in view.segments
        for part, parent_id, service, kind in _parts(orjson.loads(segment.document))
    ]


def _parts(data: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None, str, str]]:
    """A segment and its subsegments, each with its parent's id, its service's name and the kind of its span."""
    kind = _kind(data) if data.get("type") == "subsegment" else "SERVER"
    yield data, data.get("parent_id"), data["name"], kind
    waiting = [data]
    while waiting:
        parent = waiting.pop()
        children = parent.get("subsegments") or []
        yield from ((child, parent["id"], data["name"], _kind(child)) for child in children)
        waiting.extend(children)


def _kind(subsegment: dict[str, Any]) -> str:
    return "CLIENT" if subsegment.get("namespace") in ("remote", "aws") else "INTERNAL"


def _span(part: dict[str, Any], parent_id: str | None, trace_id: str, service: str, kind: str) -> dict[str, Any]:
    start, end = part["start_time"], part.get("end_time")
    span = {
        "resource": {"attributes": {"service.name": service}},
        "scope": {"name": "xray"},
        "traceId": trace_id,
        "spanId": part["id"],
        "parentSpanId": parent_id,
        "flags": _SAMPLED,
        "name": part["name"],
        "kind": kind,
        "startTimeUnixNano": _nanoseconds(start),
        "endTimeUnixNano": None if end is None else _nanoseconds(end),
        "durationNano": None if end is None else _nanoseconds(end - start),
        "attributes": _attributes(part),
        "events": list(_exceptions(part)) or None,
        "status": {"code": "ERROR" if outcome(part) else "UNSET"},
    }
    return {name: value for name, value in span.items() if value is not None}


def _attributes(part: dict[str, Any]) -> dict[str, Any]:
    http, sql, annotations = member(part, "http"), member(part, "sql"), member(part, "annotations")
    found = {name: member(http, side).get(key) for (side, key), name in _HTTP.items()}
    found |= {name: sql.get(key) for key, name in _SQL.items()}
    found |= {"enduser.id": part.get("user"), "aws.remote.service": part["name"] if "namespace" in part else None}
    found |= annotations
    found |= {"aws.xray.annotations": list(annotations) or None}
    for namespace, values in member(part, "metadata").items():
        found |= {f"{namespace}.{key}": value for key, value in values.items()} if isinstance(values, dict) else {}
    return {name: value for name, value in found.items() if value is not None}


def _exceptions(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for exception in exceptions(part):
        attributes = {"exception.type": exception.get("type"), "exception.message": exception.get("message")}
        given = {name: value for name, value in attributes.items() if value is not None}
        yield {"name": "exception", "timeUnixNano": _nanoseconds(part["start_time"]), "attributes": given}


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
