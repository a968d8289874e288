"""Documents as JSON of bounded size: what is too large is split, and trimmed where it cannot be split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tracing.entities import Document
from tracing.fitting import text_of

# X-Ray takes documents of 64 KB; a datagram over IPv4 carries 65,507 bytes, the daemon's preamble of 30 among them.
DOCUMENT_BYTES = 65_477
# Left out one after the other, until what is left fits; the annotation names them.
_TRIMMED_IN_TURN = ("metadata", "sql", "cause", "annotations")
_TRIMMED = "tracing_trimmed"
# orjson goes 254 levels deep; a chain of all the subsegments that a segment holds has 200.
_DEEPEST = 250


def encode(document: Document) -> bytes:
    """The document as JSON. Text stands for a value that JSON has not."""
    try:
        return orjson.dumps(document)
    except TypeError:  # something in it is not JSON's, or not UTF-8's
        return orjson.dumps(_plain(document, ()))


def split(document: Document) -> Iterator[bytes | None]:
    """A document that is too large, as several that are not.

    It holds as many of its subsegments as it can, and the others follow as documents of their own. None stands for one
    that cannot be had so small.

    Source: AWS X-Ray developer guide, "Segment documents": subsegments sent apart have type, trace_id and parent_id.
    """
    own = _trimmed({**document, "subsegments": []})
    room = DOCUMENT_BYTES - len(encode(own))
    held: list[Document] = []
    apart: list[Document] = []
    for part in document.get("subsegments", ()):
        size = len(encode(part)) + len(b",")
        (held if size <= room else apart).append(part)
        room -= size if size <= room else 0
    yield encode(own | {"subsegments": held}) if room >= 0 else None
    belonging = {"type": "subsegment", "trace_id": document.get("trace_id"), "parent_id": document.get("id")}
    for part in apart:
        payload = encode(part | belonging)
        if len(payload) <= DOCUMENT_BYTES:
            yield payload
        else:
            yield from split(part | belonging)


def _trimmed(document: Document) -> Document:
    gone: list[str] = []
    while len(encode(document)) > DOCUMENT_BYTES and len(gone) < len(_TRIMMED_IN_TURN):
        gone.append(_TRIMMED_IN_TURN[len(gone)])
        document = {key: value for key, value in document.items() if key not in gone}
        document["annotations"] = {**document.get("annotations", {}), _TRIMMED: ",".join(gone)}
    return document


def _plain(value: Any, above: tuple[int, ...]) -> Any:
    """The value as orjson takes it; `above` are the ids of what holds it, which ends loops."""
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and value.bit_length() < 64):
        return value
    if not isinstance(value, dict | list | tuple):
        return text_of(value)
    if id(value) in above or len(above) >= _DEEPEST:
        return "..."
    within = (*above, id(value))
    if isinstance(value, dict):
        return {text_of(key): _plain(member, within) for key, member in list(value.items())}
    return [_plain(member, within) for member in list(value)]
