"""A counter that many threads raise at once."""

from __future__ import annotations

import threading
from collections import deque
from itertools import count, islice


class Counter:
    """Counts exactly over threads, without a lock for those who count.

    The next number of an `itertools.count` is taken in one step that no other thread can come between. Looking at the
    value takes a number as well, so those are subtracted.
    """

    __slots__ = ("_looking", "_looks", "_numbers", "add")

    def __init__(self) -> None:
        self._numbers = count()
        self._looks = 0
        self._looking = threading.Lock()
        self.add = self._numbers.__next__

    def add_many(self, number: int) -> None:
        """Counts several at once."""
        deque(islice(self._numbers, number), maxlen=0)

    @property
    def value(self) -> int:
        """How often `add` was called."""
        with self._looking:
            self._looks += 1
            return next(self._numbers) - self._looks + 1
