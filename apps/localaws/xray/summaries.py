"""Trace summaries: one trace in, one member of GetTraceSummaries' answer out, as JSON.

A reader takes all summaries of a time, so that they are written as they go over the wire, and what traces have in
common is written once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import orjson

from localaws.protocols.base import epoch_seconds
from localaws.xray.causes import told_causes
from localaws.xray.documents import Annotation
from localaws.xray.parts import ERROR, FAULT, THROTTLE, Http, Node
from localaws.xray.view import TraceView, service_id

_PARTS_KEPT: Final = 20_000
_HTTP_MEMBERS: Final = (
    ("HttpURL", "url"),
    ("HttpStatus", "status"),
    ("HttpMethod", "method"),
    ("UserAgent", "user_agent"),
    ("ClientIp", "client_ip"),
)


def summary(view: TraceView, account: str) -> orjson.Fragment:
    """The TraceSummary of a trace, with the members that are known of it."""
    root = view.root
    annotated = tuple((segment.node, segment.annotations) for segment in view.segments if segment.annotations)
    users = tuple((segment.node, segment.user) for segment in view.segments if segment.user is not None)
    members = {
        "Id": view.trace.id,
        "StartTime": epoch_seconds(root.start),
        "Duration": view.duration_seconds,
        "ResponseTime": view.response_time_seconds,
        "HasFault": bool(root.flags & FAULT),
        "HasError": bool(root.flags & ERROR),
        "HasThrottle": bool(root.flags & THROTTLE),
        "IsPartial": view.is_partial,
        "Http": _http(root.http),
        "Annotations": _annotations(annotated, account),
        "Users": _users(users, account),
        "ServiceIds": _service_ids(view.services, account),
        "EntryPoint": _entry_point(root.node, account),
        "FaultRootCauses": told_causes(view, "fault", account) if root.flags & FAULT else None,
        "ErrorRootCauses": told_causes(view, "error", account) if root.flags & ERROR else None,
        "Revision": len(view.segments),
        "MatchedEventTime": epoch_seconds(view.trace.updated),
    }
    return _json({name: value for name, value in members.items() if value is not None})


def _json(value: Any) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(value))


@lru_cache(_PARTS_KEPT)
def _http(http: Http | None) -> orjson.Fragment:
    given = ((member, getattr(http, field, None)) for member, field in _HTTP_MEMBERS)
    return _json({member: value for member, value in given if value is not None})


@lru_cache(_PARTS_KEPT)
def _annotations(annotated: tuple[tuple[Node, tuple[Annotation, ...]], ...], account: str) -> orjson.Fragment:
    """Per key its different values, each with the services that gave it."""
    found: dict[str, dict[tuple[str, str | float | bool], dict[Node, None]]] = {}
    for node, given in annotated:
        for key, kind, value in given:
            found.setdefault(key, {}).setdefault((kind, value), {})[node] = None
    return _json(
        {
            key: [
                {"AnnotationValue": {kind: value}, "ServiceIds": _service_ids(tuple(nodes), account)}
                for (kind, value), nodes in values.items()
            ]
            for key, values in found.items()
        }
    )


@lru_cache(_PARTS_KEPT)
def _users(users: tuple[tuple[Node, str], ...], account: str) -> orjson.Fragment:
    found: dict[str, dict[Node, None]] = {}
    for node, user in users:
        found.setdefault(user, {})[node] = None
    return _json(
        [{"UserName": user, "ServiceIds": _service_ids(tuple(nodes), account)} for user, nodes in found.items()]
    )


@lru_cache(_PARTS_KEPT)
def _service_ids(nodes: Iterable[Node], account: str) -> orjson.Fragment:
    return _json([service_id(node, account) for node in nodes])


@lru_cache(_PARTS_KEPT)
def _entry_point(node: Node, account: str) -> orjson.Fragment:
    return _json(service_id(node, account))
