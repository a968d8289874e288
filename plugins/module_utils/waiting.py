# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one waiter: fetch, look, pause, until a predicate holds or the time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

State = TypeVar("State")


class Stopwatch(NamedTuple):
    """A monotonic clock in seconds, and how to let time pass; tests bring their own."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Outcome(NamedTuple, Generic[State]):
    """The last state that was fetched, and whether the predicate held for it."""

    state: State
    settled: bool


def wait_until(
    fetch: Callable[[], State],
    settled: Callable[[State | None, State], bool],
    timeout_seconds: float,
    interval_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    growth: float = 1.0,
    longest_interval_seconds: float = math.inf,
) -> Outcome[State]:
    """Fetches at least once, then again every interval until settled(previous, current) or the time-out.

    The first call's previous is None. With a time-out of 0 it fetches once. The clock is monotonic, in seconds.
    Each interval is `growth` times the one before, up to the longest.
    """
    deadline = clock() + timeout_seconds
    previous, current = None, fetch()
    while not settled(previous, current):
        if clock() + interval_seconds > deadline:
            return Outcome(current, False)
        sleep(interval_seconds)
        interval_seconds = min(interval_seconds * growth, longest_interval_seconds)
        previous, current = current, fetch()
    return Outcome(current, True)
