"""Trace summaries: one trace in, one member of GetTraceSummaries' answer out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from localaws.xray.documents import ERROR, FAULT, THROTTLE, Http, Node
from localaws.xray.moments import moment
from localaws.xray.view import TraceView, service_id

_HTTP_MEMBERS = (
    ("HttpURL", "url"),
    ("HttpStatus", "status"),
    ("HttpMethod", "method"),
    ("UserAgent", "user_agent"),
    ("ClientIp", "client_ip"),
)


def summary(view: TraceView, account: str) -> dict[str, Any]:
    """The TraceSummary of a trace, with the members that are known of it."""
    flags = view.root.flags
    members = {
        "Id": view.trace.id,
        "StartTime": moment(view.root.start),
        "Duration": _rounded(view.duration_seconds),
        "ResponseTime": _rounded(view.response_time_seconds),
        "HasFault": bool(flags & FAULT),
        "HasError": bool(flags & ERROR),
        "HasThrottle": bool(flags & THROTTLE),
        "IsPartial": view.is_partial,
        "Http": _http(view.root.http),
        "Annotations": _annotations(view, account),
        "Users": _users(view, account),
        "ServiceIds": _service_ids(view.services, account),
        "EntryPoint": service_id(view.root.node, account),
        "Revision": len(view.segments),
        "MatchedEventTime": moment(view.trace.updated),
    }
    return {name: value for name, value in members.items() if value is not None}


def _http(http: Http | None) -> dict[str, Any]:
    if http is None:
        return {}
    return {member: value for member, field in _HTTP_MEMBERS if (value := getattr(http, field)) is not None}


def _annotations(view: TraceView, account: str) -> dict[str, list[dict[str, Any]]]:
    """Per key its different values, each with the services that gave it."""
    found: dict[str, dict[tuple[str, str | float | bool], dict[Node, None]]] = {}
    for segment in view.segments:
        for key, kind, value in segment.annotations:
            found.setdefault(key, {}).setdefault((kind, value), {})[segment.node] = None
    return {
        key: [
            {"AnnotationValue": {kind: value}, "ServiceIds": _service_ids(nodes, account)}
            for (kind, value), nodes in values.items()
        ]
        for key, values in found.items()
    }


def _users(view: TraceView, account: str) -> list[dict[str, Any]]:
    found: dict[str, dict[Node, None]] = {}
    for segment in view.segments:
        if segment.user is not None:
            found.setdefault(segment.user, {})[segment.node] = None
    return [{"UserName": user, "ServiceIds": _service_ids(nodes, account)} for user, nodes in found.items()]


def _service_ids(nodes: Iterable[Node], account: str) -> list[dict[str, Any]]:
    return [service_id(node, account) for node in nodes]


def _rounded(seconds: float | None) -> float | None:
    """X-Ray's times have milliseconds."""
    return None if seconds is None else round(seconds, 3)
