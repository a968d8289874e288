"""Segment documents as they arrive: checked, and cut down to what summaries, filters and graphs look at."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from localaws.xray.parts import (
    Http,
    MalformedSegment,
    Node,
    http_of,
    is_time,
    member,
    outcome,
    remote_node,
    subsegments,
    text,
)

DOCUMENT_LIMIT_BYTES: Final = 64 * 1024
"""AWS X-Ray API reference, "segment documents": up to 64 kB each."""
RETENTION_SECONDS: Final = 30 * 24 * 3600
FUTURE_SECONDS: Final = 300
ANNOTATION_LIMIT: Final = 50

_ID = re.compile(r"[0-9a-f]{16}")
_TRACE_ID = re.compile(r"1-([0-9a-f]{8})-[0-9a-f]{24}")
_NAME = re.compile(r"[\w\s.:/%&#=+\\\-@]{1,200}")
_ANNOTATION_KEY = re.compile(r"[A-Za-z0-9_.]{1,500}")

Annotation = tuple[str, str, str | float | bool]
"""Key, the member of AWS's AnnotationValue that holds the value, and the value."""

T = TypeVar("T", bound=Hashable)


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
        node=pool.share((_name(data), text(data.get("origin")))),
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
    if not is_time(start):
        raise MalformedSegment("InvalidStartTime")
    if end is None:
        if data.get("in_progress") is not True:
            raise MalformedSegment("MissingEndTime")
        return float(start), None
    if not is_time(end):
        raise MalformedSegment("InvalidEndTime")
    return float(start), float(end)


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
