"""Runs many tasks interleaved, without threads and without real time: whoever sleeps lets the next one run."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from greenlet import getcurrent, greenlet

_LONGEST_SECONDS = 100_000


class Scheduler:
    """A clock in seconds that only moves while every task sleeps."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._sleeping: list[tuple[float, int, greenlet]] = []
        self._numbers = itertools.count()
        self._hub = getcurrent()

    def clock(self) -> float:
        return self._seconds

    def start(self, task: Callable[[], object], after_seconds: float = 0.0) -> None:
        """Has a task run once that time has passed."""
        self._wake(greenlet(task, parent=self._hub), after_seconds)

    def sleep(self, seconds: float) -> None:
        """Lets the others run until that time has passed; to be called by a task."""
        self._wake(getcurrent(), seconds)
        self._hub.switch()

    def run(self) -> None:
        """Returns when every task has ended; what a task raises comes out here."""
        while self._sleeping:
            self._seconds, _number, task = heapq.heappop(self._sleeping)
            assert self._seconds < _LONGEST_SECONDS, "the tasks never end"
            task.switch()

    def _wake(self, task: greenlet, seconds: float) -> None:
        heapq.heappush(self._sleeping, (self._seconds + seconds, next(self._numbers), task))
