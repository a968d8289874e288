"""Root causes of a trace: the way from its entry down to where a fault, an error or the time came from.

Source: AWS X-Ray API reference, FaultRootCause, ErrorRootCause, ResponseTimeRootCause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from localaws.xray.parts import ERROR, FAULT, exceptions, outcome, remote_node, text
from localaws.xray.view import TraceView

Kind = Literal["fault", "error", "responsetime"]
Part = dict[str, Any]
Cause = list[dict[str, Any]]
"""The members of a root cause's Services."""


def root_cause(view: TraceView, kind: Kind) -> Cause:
    """The services on the way to a trace's root cause of a kind; none where the trace has no such cause."""
    entry = view.root.data
    if _seconds(entry) is None or (kind != "responsetime" and not _has_flag(entry, kind)):
        return []
    served = {part["parent_id"]: part for part in view.parsed if part.get("parent_id") and not _is_subsegment(part)}
    return list(_services(entry, kind, served, _seconds(entry) or 0.0))


def told_causes(view: TraceView, kind: Kind, account: str) -> list[dict[str, Any]] | None:
    """A trace's root causes as its summary tells them; None without one."""
    services = [_told(service, account) for service in root_cause(view, kind)]
    return [{"Services": services, "ClientImpacting": False}] if services else None


def _told(service: dict[str, Any], account: str) -> dict[str, Any]:
    named = {**service, "Names": [service["Name"]], "AccountId": account}
    return {name: value for name, value in named.items() if value is not None}


def _services(entry: Part, kind: Kind, served: dict[str, Part], total_seconds: float) -> Iterator[dict[str, Any]]:
    segment: Part | None = entry
    # A service is visited once, whatever the parent ids of a malformed trace say.
    visited: set[str] = set()
    while segment is not None and segment["id"] not in visited:
        visited.add(segment["id"])
        path = _path(segment, kind)
        entities = [_entity(part, kind, total_seconds) for part in path]
        yield _service(segment["name"], text(segment.get("origin")), entities, inferred=False)
        last = path[-1]
        segment = served.get(last["id"])
        node = remote_node(last)
        if segment is None and node is not None:
            yield _service(*node, [_entity(last, kind, total_seconds)], inferred=True)


def _path(segment: Part, kind: Kind) -> list[Part]:
    """A segment and the subsegments that lead to the cause, from the outside in."""
    choose = _slowest if kind == "responsetime" else _flagged(kind)
    path, part = [segment], choose(segment.get("subsegments") or [])
    while part is not None:
        path.append(part)
        part = choose(part.get("subsegments") or [])
    return path


def _slowest(parts: list[Part]) -> Part | None:
    ended = [part for part in parts if _seconds(part) is not None]
    return max(ended, key=lambda part: _seconds(part) or 0.0, default=None)


def _flagged(kind: Kind) -> Callable[[list[Part]], Part | None]:
    return lambda parts: next((part for part in reversed(parts) if _has_flag(part, kind)), None)


def _has_flag(part: Part, kind: Kind) -> bool:
    return bool(outcome(part) & (FAULT if kind == "fault" else ERROR))


def _service(name: str, kind: str | None, entities: list[dict[str, Any]], inferred: bool) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "EntityPath": entities, "Inferred": inferred}


def _entity(part: Part, kind: Kind, total_seconds: float) -> dict[str, Any]:
    entity: dict[str, Any] = {"Name": part["name"], "Remote": part.get("namespace") in ("remote", "aws")}
    if kind == "responsetime":
        return {**entity, "Coverage": (_seconds(part) or 0.0) / total_seconds if total_seconds else 1.0}
    return {**entity, "Exceptions": [_exception(found) for found in exceptions(part)]}


def _exception(thrown: dict[str, Any]) -> dict[str, str]:
    return {"Name": text(thrown.get("type")) or "", "Message": text(thrown.get("message")) or ""}


def _seconds(part: Part) -> float | None:
    end = part.get("end_time")
    return None if end is None else end - part["start_time"]


def _is_subsegment(part: Part) -> bool:
    return part.get("type") == "subsegment"
