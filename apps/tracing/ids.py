"""Identifiers of traces, segments and subsegments: unique, not secret.

They are made many at a time, for to make one in between other work costs several times as much as in a row, and from a
generator that is seeded from the system once, for a system call for each would cost more than all else that opens a
segment. A forked child begins anew.
"""

from __future__ import annotations

import os
import random
from time import time

_AT_A_TIME = 64

_random = random.Random()  # noqa: S311
_segments: list[str] = []
_traces: list[str] = []
# The second that was told last, and how a trace of it begins.
_beginning = (0, "")


def new_id() -> str:
    """An identifier of a segment or subsegment: 64 random bits as 16 hexadecimal digits."""
    while True:
        try:
            return _segments.pop()
        except IndexError:  # also where another thread has taken the last one
            _segments.extend(_some(8))


def new_trace_id() -> str:
    """An identifier of a trace: version, epoch second and 96 random bits, as X-Ray's developer guide defines it."""
    global _beginning
    second, beginning = _beginning
    now = int(time())
    if now != second:
        beginning = f"1-{now:08x}-"
        _beginning = (now, beginning)
    while True:
        try:
            return beginning + _traces.pop()
        except IndexError:
            _traces.extend(_some(12))


def _some(count_bytes: int) -> list[str]:
    digits, width = _random.randbytes(count_bytes * _AT_A_TIME).hex(), 2 * count_bytes
    return [digits[first : first + width] for first in range(0, len(digits), width)]


def _begin_anew() -> None:
    _random.seed()
    _segments.clear()
    _traces.clear()


os.register_at_fork(after_in_child=_begin_anew)
