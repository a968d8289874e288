"""What a segment or a subsegment says: its outcome, its request, its exceptions, its remote node, its parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

FAULT: Final = 1
ERROR: Final = 2
THROTTLE: Final = 4

LATEST_SECONDS: Final = 2**63 / 1e9
"""The nanoseconds of a span's times have 64 bits, as whole numbers in JSON and in moments have."""

Node = tuple[str, str | None]
"""A service's name and type, as X-Ray tells nodes apart."""


class MalformedSegment(ValueError):
    """A document that X-Ray does not process; `code` is what UnprocessedTraceSegments says of it."""

    def __init__(self, code: str, segment_id: str | None = None) -> None:
        super().__init__(f"Invalid segment. ErrorCode: {code}")
        self.code = code
        self.segment_id = segment_id


class Http(NamedTuple):
    """What a segment says of the request it served."""

    method: str | None
    url: str | None
    status: int | None
    user_agent: str | None
    client_ip: str | None


def outcome(data: dict[str, Any]) -> int:
    """FAULT, ERROR and THROTTLE of a segment or subsegment, from its flags and its response's status."""
    flags = 0
    if data.get("fault") is True:
        flags |= FAULT
    if data.get("throttle") is True:
        flags |= ERROR | THROTTLE
    if data.get("error") is True:
        flags |= ERROR
    return flags or _status_outcome(member(member(data, "http"), "response").get("status"))


def subsegments(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every subsegment below a segment, at any depth. Raises MalformedSegment for what is no list of subsegments."""
    waiting = [data]
    while waiting:
        children = waiting.pop().get("subsegments")
        if children is None:
            continue
        if not isinstance(children, list) or not all(map(_is_subsegment, children)):
            raise MalformedSegment("InvalidSubsegments")
        yield from children
        waiting.extend(children)


def remote_node(subsegment: dict[str, Any]) -> Node | None:
    """The node that X-Ray infers from a subsegment which left the process, None for one which did not."""
    namespace, name = subsegment.get("namespace"), subsegment.get("name")
    if not isinstance(name, str) or namespace not in ("remote", "aws"):
        return None
    if namespace == "aws":
        return name, f"AWS::{name}"
    return name, "Database::SQL" if "sql" in subsegment else "remote"


def exceptions(part: dict[str, Any]) -> list[dict[str, Any]]:
    """The exceptions that caused a segment's or subsegment's fault, as far as they are well formed."""
    given = member(part, "cause").get("exceptions")
    return [exception for exception in given if isinstance(exception, dict)] if isinstance(given, list) else []


def http_of(data: dict[str, Any]) -> Http:
    """What a segment or subsegment says of its request."""
    http = member(data, "http")
    request, status = member(http, "request"), member(http, "response").get("status")
    return Http(
        text(request.get("method")),
        text(request.get("url")),
        status if isinstance(status, int) and not isinstance(status, bool) else None,
        text(request.get("user_agent")),
        text(request.get("client_ip")),
    )


def _status_outcome(status: object) -> int:
    if not isinstance(status, int):
        return 0
    if status >= 500:
        return FAULT
    if status == 429:
        return ERROR | THROTTLE
    return ERROR if status >= 400 else 0


def member(data: dict[str, Any], key: str) -> dict[str, Any]:
    """An object's member that is an object; an empty one where it is missing or something else."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """A text; None for anything else."""
    return value if isinstance(value, str) else None


def _is_subsegment(value: object) -> bool:
    """Whether a value has what every reader of subsegments relies on."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("name"), str)
        and is_time(value.get("start_time"))
        and (value.get("end_time") is None or is_time(value["end_time"]))
    )


def is_time(value: object) -> bool:
    """Whether it is epoch seconds that spans, too, can tell."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < LATEST_SECONDS
