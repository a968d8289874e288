"""What arrives at the daemon's port, judged by what the X-Ray developer guide says of segment documents.

Stricter than X-Ray itself, which leaves out or cuts off what it does not take: a tracer should not send it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import orjson
from localaws.xray.documents import Pool, parse
from localaws.xray.parts import MalformedSegment

PREAMBLE = b'{"format":"json","version":1}\n'
LIMIT_BYTES = 64 * 1024
_DATAGRAM_BYTES = 65_507
_ID = re.compile(r"[0-9a-f]{16}")
_TRACE_ID = re.compile(r"1-([0-9a-f]{8})-[0-9a-f]{24}")
_NAME = re.compile(r"[\w\s.:/%&#=+\\\-@]{1,200}")
_KEY = re.compile(r"[A-Za-z0-9_.]{1,500}")
_TEXT_CHARACTERS = 1000
_TEXTS = ("method", "url", "user_agent", "client_ip")

Document = dict[str, Any]
Faults = Iterator[str]


def judged(datagram: bytes) -> tuple[Document, list[str]]:
    """The document in a datagram, and what is wrong with it."""
    if not datagram.startswith(PREAMBLE):
        return {}, ["no preamble"]
    content = datagram[len(PREAMBLE) :]
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        return {}, [f"no JSON: {error}"]
    if not isinstance(document, dict):
        return {}, ["no object"]
    return document, [*_size(datagram, content), *_whole(document), *_by_the_stand_in(content, document)]


def _size(datagram: bytes, content: bytes) -> Faults:
    if len(datagram) > _DATAGRAM_BYTES or len(content) > LIMIT_BYTES:
        yield f"too large: {len(content)} bytes"


def _by_the_stand_in(content: bytes, document: Document) -> Faults:
    """X-Ray's stand-in, at the second that the trace's id tells: a client may name any."""
    match = _TRACE_ID.fullmatch(str(document.get("trace_id")))
    try:
        parse(content.decode(), int(match[1], 16) if match else 0.0, Pool())
    except MalformedSegment as malformed:
        yield f"the stand-in says {malformed.code}"


def _whole(document: Document) -> Faults:
    if _TRACE_ID.fullmatch(str(document.get("trace_id"))) is None:
        yield f"trace_id: {document.get('trace_id')!r}"
    parent = document.get("parent_id")
    if parent is not None and _ID.fullmatch(parent) is None:
        yield f"parent_id: {parent!r}"
    parts = list(_parts(document))
    if not all(isinstance(part, dict) for part in parts):
        yield f"subsegments: {next(part for part in parts if not isinstance(part, dict))!r}"
        return
    for part in parts:
        yield from _part(part)
    if len({part.get("id") for part in parts}) != len(parts):
        yield "an id twice"


def _parts(document: Document) -> Iterator[Any]:
    waiting: list[Any] = [document]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, dict):
            waiting += part.get("subsegments", ())


def _part(part: Document) -> Faults:
    if _ID.fullmatch(str(part.get("id"))) is None:
        yield f"id: {part.get('id')!r}"
    if not isinstance(part.get("name"), str) or _NAME.fullmatch(part["name"]) is None:
        yield f"name: {str(part.get('name'))[:40]!r}"
    if part.get("namespace", "remote") not in ("aws", "remote"):
        yield f"namespace: {part['namespace']!r}"
    yield from _times(part)
    for flag in ("error", "fault", "throttle"):
        if part.get(flag, True) is not True:
            yield f"{flag}: {part[flag]!r}"
    yield from _annotations(part.get("annotations", {}))
    if not isinstance(part.get("metadata", {}), dict):
        yield "metadata is no object"
    yield from _http(part.get("http", {}))
    yield from _cause(part.get("cause"))


def _times(part: Document) -> Faults:
    start, end = part.get("start_time"), part.get("end_time")
    if not _is_number(start):
        yield f"start_time: {start!r}"
    elif end is None:
        if part.get("in_progress") is not True:
            yield "neither ended nor in progress"
    elif not _is_number(end) or end < start:
        yield f"end_time: {end!r} after {start!r}"


def _annotations(annotations: Any) -> Faults:
    if not isinstance(annotations, dict):
        yield "annotations are no object"
        return
    for key, value in annotations.items():
        if _KEY.fullmatch(key) is None:
            yield f"annotation's key: {key[:40]!r}"
        if isinstance(value, str) and len(value) <= _TEXT_CHARACTERS:
            continue
        if not isinstance(value, bool) and not _is_number(value):
            yield f"annotation's value: {str(value)[:40]!r}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _http(http: Any) -> Faults:
    request, response = http.get("request", {}), http.get("response", {})
    for name in _TEXTS:
        if not isinstance(request.get(name, ""), str):
            yield f"http.request.{name}: {request[name]!r}"
    for name in ("status", "content_length"):
        if type(response.get(name, 0)) is not int:
            yield f"http.response.{name}: {response[name]!r}"


def _cause(cause: Any) -> Faults:
    """An id of an exception described elsewhere, or exceptions with ids of their own."""
    if cause is None:
        return
    if isinstance(cause, str):
        if _ID.fullmatch(cause) is None:
            yield f"cause: {cause[:40]!r}"
        return
    exceptions = cause.get("exceptions", [])
    known = {exception.get("id") for exception in exceptions}
    for exception in exceptions:
        if _ID.fullmatch(str(exception.get("id"))) is None or exception.get("cause", exception["id"]) not in known:
            yield f"exception: {str(exception)[:80]}"
        if not isinstance(exception.get("message"), str) or not isinstance(exception.get("type"), str):
            yield f"exception: {str(exception)[:80]}"
