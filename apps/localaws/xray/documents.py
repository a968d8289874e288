"""Segment documents as they arrive: checked, and cut down to what summaries, filters and graphs look at."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from typing import Any, Final, NamedTuple, TypeVar

import orjson

DOCUMENT_LIMIT_BYTES: Final = 64 * 1024
"""AWS X-Ray API reference, "segment documents": up to 64 kB each."""
RETENTION_SECONDS: Final = 30 * 24 * 3600
FUTURE_SECONDS: Final = 300
ANNOTATION_LIMIT: Final = 50

FAULT: Final = 1
ERROR: Final = 2
THROTTLE: Final = 4

_ID = re.compile(r"[0-9a-f]{16}")
_TRACE_ID = re.compile(r"1-([0-9a-f]{8})-[0-9a-f]{24}")
_NAME = re.compile(r"[\w\s.:/%&#=+\\\-@]{1,200}")
_ANNOTATION_KEY = re.compile(r"[A-Za-z0-9_.]{1,500}")

Node = tuple[str, str | None]
"""A service's name and type, as X-Ray tells nodes apart."""
Annotation = tuple[str, str, str | float | bool]
"""Key, the member of AWS's AnnotationValue that holds the value, and the value."""

T = TypeVar("T", bound=Hashable)


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


class Segment(NamedTuple):
    """One stored segment: index entry and document. Times are epoch seconds; `end` is None while in progress."""

    id: str
    parent_id: str | None
    node: Node
    start: float
    end: float | None
    flags: int
    http: Http | None
    annotations: tuple[Annotation, ...]
    user: str | None
    remotes: tuple[Node, ...]
    is_subsegment: bool
    document: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The document, parsed."""
        parsed: dict[str, Any] = orjson.loads(self.document)
        return parsed


class Pool:
    """Lets equal values be one object, for a bounded number of different ones."""

    def __init__(self, limit: int = 20_000) -> None:
        self._limit = limit
        self._values: dict[Any, Any] = {}

    def share(self, value: T) -> T:
        """The first value that was equal to this one, or this one. Values that are equal must be of equal types."""
        if len(self._values) > self._limit:
            self._values.clear()
        shared: T = self._values.setdefault(value, value)
        return shared


def parse(document: str, now: float, pool: Pool) -> tuple[str, int, Segment]:
    """Checks a document and indexes it.

    Returns the trace id, the second in it, and the segment. Raises MalformedSegment.
    Source of the rules: AWS X-Ray developer guide, "X-Ray segment documents".
    """
    raw = document.encode("utf-8", "surrogatepass")
    if len(raw) > DOCUMENT_LIMIT_BYTES:
        raise MalformedSegment("SegmentTooLarge")
    data = _loaded(raw)
    segment_id = _segment_id(data)
    try:
        trace_id, epoch = _trace(data, now)
    except MalformedSegment as malformed:
        raise MalformedSegment(malformed.code, segment_id) from None
    return trace_id, epoch, indexed(data, raw, pool)


def indexed(data: dict[str, Any], raw: bytes, pool: Pool) -> Segment:
    """Indexes a document that is parsed already, and checks all of it but its trace. Raises MalformedSegment."""
    segment_id = _segment_id(data)
    try:
        return _indexed(segment_id, data, raw, pool)
    except MalformedSegment as malformed:
        raise MalformedSegment(malformed.code, segment_id) from None


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


def _loaded(raw: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise MalformedSegment("ParseError") from None
    if not isinstance(data, dict):
        raise MalformedSegment("MissingId")
    return data


def _segment_id(data: dict[str, Any]) -> str:
    value = data.get("id")
    if value is None:
        raise MalformedSegment("MissingId")
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise MalformedSegment("InvalidId", value if isinstance(value, str) else None)
    return value


def _trace(data: dict[str, Any], now: float) -> tuple[str, int]:
    """The trace id and its second; X-Ray takes none older than 30 days or ahead of its clock."""
    value = data.get("trace_id")
    if value is None:
        raise MalformedSegment("MissingTraceId")
    match = _TRACE_ID.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise MalformedSegment("InvalidTraceId")
    epoch = int(match[1], 16)
    if not now - RETENTION_SECONDS <= epoch <= now + FUTURE_SECONDS:
        raise MalformedSegment("InvalidTraceId")
    return value, epoch


def _indexed(segment_id: str, data: dict[str, Any], raw: bytes, pool: Pool) -> Segment:
    inner = list(subsegments(data)) if "subsegments" in data else []
    start, end = _times(data)
    user = data.get("user")
    return Segment(
        id=segment_id,
        parent_id=_parent_id(data),
        node=pool.share((_name(data), _text(data.get("origin")))),
        start=start,
        end=end,
        flags=outcome(data),
        http=pool.share(http_of(data)) if "http" in data else None,
        annotations=pool.share(_annotations(data, inner)),
        user=pool.share(user) if isinstance(user, str) else None,
        remotes=pool.share(_remotes(data, inner)),
        is_subsegment=data.get("type") == "subsegment",
        document=raw,
    )


def _name(data: dict[str, Any]) -> str:
    value = data.get("name")
    if value is None:
        raise MalformedSegment("MissingName")
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise MalformedSegment("InvalidName")
    return value


def _parent_id(data: dict[str, Any]) -> str | None:
    value = data.get("parent_id")
    if value is None:
        if data.get("type") == "subsegment":
            raise MalformedSegment("MissingParentId")
        return None
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise MalformedSegment("InvalidParentId")
    return value


def _times(data: dict[str, Any]) -> tuple[float, float | None]:
    start, end = data.get("start_time"), data.get("end_time")
    if start is None:
        raise MalformedSegment("MissingStartTime")
    if not _is_number(start):
        raise MalformedSegment("InvalidStartTime")
    if end is None:
        if data.get("in_progress") is not True:
            raise MalformedSegment("MissingEndTime")
        return float(start), None
    if not _is_number(end):
        raise MalformedSegment("InvalidEndTime")
    return float(start), float(end)


def http_of(data: dict[str, Any]) -> Http:
    """What a segment or subsegment says of its request."""
    http = member(data, "http")
    request, status = member(http, "request"), member(http, "response").get("status")
    return Http(
        _text(request.get("method")),
        _text(request.get("url")),
        status if isinstance(status, int) and not isinstance(status, bool) else None,
        _text(request.get("user_agent")),
        _text(request.get("client_ip")),
    )


def _annotations(data: dict[str, Any], inner: list[dict[str, Any]]) -> tuple[Annotation, ...]:
    """Annotations of a segment and its subsegments; X-Ray leaves out those whose key or value it does not take."""
    found = [
        (key, kind, value)
        for part in (data, *inner)
        for key, value in member(part, "annotations").items()
        if (kind := _annotation_kind(value)) and _ANNOTATION_KEY.fullmatch(key)
    ]
    return tuple(found[:ANNOTATION_LIMIT])


def _annotation_kind(value: object) -> str | None:
    if isinstance(value, bool):
        return "BooleanValue"
    if isinstance(value, str):
        return "StringValue"
    return "NumberValue" if isinstance(value, int | float) else None


def _remotes(data: dict[str, Any], inner: list[dict[str, Any]]) -> tuple[Node, ...]:
    parts = (data, *inner) if data.get("type") == "subsegment" else inner
    return tuple(dict.fromkeys(node for part in parts if (node := remote_node(part))))


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


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _is_subsegment(value: object) -> bool:
    """Whether a value has what every reader of subsegments relies on."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and isinstance(value.get("name"), str)
        and _is_number(value.get("start_time"))
        and (value.get("end_time") is None or _is_number(value["end_time"]))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
