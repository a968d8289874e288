"""What was made of the backend's answers, to be used again while the same bytes come."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, TypeVar

_Value = TypeVar("_Value")

# The objects made of a list of products and the HTML made of those take some five times the answer's bytes.
_BYTES_FOR_A_BYTE = 6


class AnswerMemory(Generic[_Value]):
    """Values made of answers, by the answers' digests; those used last stay. Safe to share between threads.

    The backend is asked all the same: an answer that has changed has another digest, so nothing here grows old.
    Values are shared between requests, so they must hold nothing of a visitor.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes, self._bytes = limit_bytes, 0
        self._kept: OrderedDict[bytes, tuple[_Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def made_of(self, answer: bytes, make: Callable[[], _Value]) -> _Value:
        """What `make` has made of these bytes, or makes now; raises what it raises, and remembers no failure."""
        key = sha256(answer).digest()
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known[0]
        value = make()
        with self._lock:
            self._keep(key, value, _BYTES_FOR_A_BYTE * len(answer))
        return value

    def _keep(self, key: bytes, value: _Value, size_bytes: int) -> None:
        if key in self._kept or size_bytes > self._limit_bytes:
            return
        self._kept[key] = value, size_bytes
        self._bytes += size_bytes
        while self._bytes > self._limit_bytes:
            _key, (_value, freed_bytes) = self._kept.popitem(last=False)
            self._bytes -= freed_bytes
