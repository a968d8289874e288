"""Identifiers of traces, segments and subsegments."""

from __future__ import annotations

import os
import random
from time import time

# Seeded from the system once and again in every forked child, since a system call for each identifier costs more than
# all else that opens a segment. They need to be unique, not secret.
_random = random.Random()  # noqa: S311
_bits = _random.getrandbits
os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """An identifier of a segment or subsegment: 64 random bits as 16 hexadecimal digits."""
    return _bits(64).to_bytes(8).hex()


def new_trace_id() -> str:
    """An identifier of a trace: version, epoch second and 96 random bits, as X-Ray's developer guide defines it."""
    return f"1-{int(time()):08x}-{_bits(96).to_bytes(12).hex()}"
