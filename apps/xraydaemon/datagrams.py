"""The daemon's protocol: a JSON header line, then one segment document."""

from __future__ import annotations

from typing import Final

import orjson

_USUAL_HEADERS: Final = frozenset({b'{"format":"json","version":1}', b'{"format": "json", "version": 1}'})
_HEADER: Final = {"format": "json", "version": 1}


def document(datagram: bytes) -> str | None:
    """The segment document of a datagram, None if the datagram is malformed."""
    header, _unused, body = datagram.partition(b"\n")
    if not body.strip() or not (header in _USUAL_HEADERS or _is_header(header)):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _is_header(line: bytes) -> bool:
    try:
        return bool(orjson.loads(line) == _HEADER)
    except orjson.JSONDecodeError:
        return False
