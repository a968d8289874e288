"""Concise Binary Object Representation (RFC 8949), as far as Smithy's RPC v2 uses it."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from typing import Any

_BREAK = object()
_EPOCH_TAG = 1
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}


class CborError(ValueError):
    """The bytes are not CBOR, or CBOR that Smithy's protocol does not use."""


def dumps(value: Any) -> bytes:
    """Encodes None, bool, int, float, str, bytes, datetime (as tag 1), lists and dicts."""
    out = bytearray()
    _write(out, value)
    return bytes(out)


def loads(data: bytes) -> Any:
    """Decodes one item; tag 1 becomes an aware datetime. Raises CborError."""
    try:
        value, end = _read(data, 0)
    except (IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
        raise CborError(f"not CBOR: {error}") from error
    if end != len(data) or value is _BREAK:
        raise CborError("not one CBOR item")
    return value


def _write(out: bytearray, value: Any) -> None:
    match value:
        case None | bool():
            out.append({None: 0xF6, True: 0xF5, False: 0xF4}[value])
        case int():
            _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
        case float():
            out += b"\xfb" + struct.pack(">d", value)
        case datetime():
            out.append(0xC0 | _EPOCH_TAG)
            _write(out, value.timestamp())
        case _:
            _write_sized(out, value)


def _write_sized(out: bytearray, value: Any) -> None:
    match value:
        case bytes():
            _head(out, 2, len(value))
            out += value
        case str():
            _head(out, 3, len(encoded := value.encode()))
            out += encoded
        case list() | tuple():
            _head(out, 4, len(value))
            for item in value:
                _write(out, item)
        case dict():
            _head(out, 5, len(value))
            for key, item in value.items():
                _write(out, key)
                _write(out, item)
        case _:
            raise TypeError(f"{type(value).__name__} has no CBOR form")


def _head(out: bytearray, major: int, number: int) -> None:
    if number < 24:
        out.append(major << 5 | number)
        return
    for size, code, limit in ((1, 24, 1 << 8), (2, 25, 1 << 16), (4, 26, 1 << 32), (8, 27, 1 << 64)):
        if number < limit:
            out.append(major << 5 | code)
            out += number.to_bytes(size, "big")
            return
    raise OverflowError("an integer over 64 bits")


def _read(data: bytes, at: int) -> tuple[Any, int]:
    major, info = data[at] >> 5, data[at] & 0x1F
    if major == 7:
        return _read_simple(data, at + 1, info)
    if info == 31:
        return _read_indefinite(data, at + 1, major)
    number, at = _read_number(data, at + 1, info)
    match major:
        case 0 | 1:
            return (number if major == 0 else -1 - number), at
        case 2 | 3:
            return _read_text(data, at, number, major)
        case 4 | 5:
            return _read_items(data, at, number, major)
    return _read_tagged(data, at, number)


def _read_number(data: bytes, at: int, info: int) -> tuple[int, int]:
    if info < 24:
        return info, at
    if info > 27:
        raise CborError("a reserved length")
    size = 1 << (info - 24)
    if at + size > len(data):
        raise CborError("the data ends early")
    return int.from_bytes(data[at : at + size], "big"), at + size


def _read_text(data: bytes, at: int, length: int, major: int) -> tuple[bytes | str, int]:
    chunk = data[at : at + length]
    if len(chunk) != length:
        raise CborError("the data ends early")
    return (chunk if major == 2 else chunk.decode()), at + length


def _read_items(data: bytes, at: int, count: int, major: int) -> tuple[Any, int]:
    items = []
    for _unused in range(count * (major - 3)):
        item, at = _read(data, at)
        items.append(item)
    return _collected(items, major), at


def _read_indefinite(data: bytes, at: int, major: int) -> tuple[Any, int]:
    items: list[Any] = []
    while True:
        item, at = _read(data, at)
        if item is _BREAK:
            return _collected(items, major), at
        items.append(item)


def _collected(items: list[Any], major: int) -> Any:
    match major:
        case 2:
            return b"".join(items)
        case 3:
            return "".join(items)
        case 4:
            return items
        case 5 if len(items) % 2 == 0 and all(isinstance(key, str) for key in items[::2]):
            return dict(zip(items[::2], items[1::2], strict=True))
    raise CborError("a map whose keys are not text, or an indefinite number")


def _read_tagged(data: bytes, at: int, tag: int) -> tuple[Any, int]:
    value, at = _read(data, at)
    if tag != _EPOCH_TAG or isinstance(value, bool) or not isinstance(value, int | float):
        raise CborError(f"tag {tag} is not used by the protocol")
    try:
        return datetime.fromtimestamp(value, UTC), at
    except (OverflowError, ValueError, OSError) as error:
        raise CborError(f"{value} is not a time") from error


def _read_simple(data: bytes, at: int, info: int) -> tuple[Any, int]:
    if info == 31:
        return _BREAK, at
    if info in _SIMPLE:
        return _SIMPLE[info], at
    if info not in _FLOATS:
        raise CborError(f"simple value {info} is not used by the protocol")
    (number,) = struct.unpack_from(_FLOATS[info], data, at)
    return number, at + struct.calcsize(_FLOATS[info])
