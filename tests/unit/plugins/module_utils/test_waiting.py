"""The one waiter, on a clock that only sleeping moves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Outcome, wait_until
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    """Seconds that pass by sleeping, each pause kept, and by what a fetch takes."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


def wait_for(
    number: int, timeout_seconds: float, clock: Clock, fetch_seconds: float = 0, **options: Any
) -> Outcome[int]:
    """Waits until the numbers from 1, fetched one by one, reach the one that is asked for."""
    numbers: Iterator[int] = count(1)

    def fetch() -> int:
        clock.seconds += fetch_seconds
        return next(numbers)

    options = {"interval_seconds": 2.0, "clock": clock.now, "sleep": clock.sleep, **options}
    return wait_until(fetch, lambda _before, current: current >= number, timeout_seconds, **options)


def test_what_holds_at_once_takes_one_fetch_and_no_pause() -> None:
    clock = Clock()
    assert wait_for(1, 60, clock) == Outcome(1, True)
    assert clock.pauses == []


def test_what_holds_later_is_fetched_at_each_interval() -> None:
    clock = Clock()
    assert wait_for(4, 60, clock) == Outcome(4, True)
    assert clock.pauses == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(("number", "settled"), [(1, True), (2, False)])
def test_time_out_of_0_fetches_once(number: int, settled: bool) -> None:
    clock = Clock()
    assert wait_for(number, 0, clock) == Outcome(1, settled)
    assert clock.pauses == []


def test_last_state_is_told_when_the_time_is_over() -> None:
    clock = Clock()
    assert wait_for(99, 6, clock) == Outcome(4, False)
    assert clock.seconds == 1006.0


def test_no_pause_begins_that_would_end_past_the_deadline() -> None:
    clock = Clock()
    assert wait_for(99, 5, clock) == Outcome(3, False)
    assert clock.seconds == 1004.0


def test_time_that_a_fetch_takes_counts() -> None:
    clock = Clock()
    assert wait_for(99, 10, clock, fetch_seconds=3) == Outcome(3, False)
    assert clock.seconds == 1013.0


def test_pauses_grow_up_to_the_longest() -> None:
    clock = Clock()
    wait_for(6, 600, clock, growth=2.0, longest_interval_seconds=10.0)
    assert clock.pauses == [2.0, 4.0, 8.0, 10.0, 10.0]


def test_previous_state_is_none_first_and_then_the_one_before() -> None:
    clock, seen = Clock(), list[tuple[int | None, int]]()
    states = iter([7, 8, 8])

    def twice_the_same(previous: int | None, current: int) -> bool:
        seen.append((previous, current))
        return previous == current

    assert wait_until(lambda: next(states), twice_the_same, 60, 1, clock.now, clock.sleep) == Outcome(8, True)
    assert seen == [(None, 7), (7, 8), (8, 8)]


def test_failure_to_fetch_is_not_swallowed() -> None:
    def fetch() -> int:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        wait_until(fetch, lambda _before, _current: True, 60, 1)


@given(
    number=st.integers(1, 20),
    timeout_seconds=st.floats(0, 100),
    interval_seconds=st.floats(0.1, 30),
    growth=st.floats(1, 3),
)
def test_pauses_never_sum_to_more_than_the_time_out(
    number: int, timeout_seconds: float, interval_seconds: float, growth: float
) -> None:
    clock = Clock()
    outcome = wait_for(number, timeout_seconds, clock, interval_seconds=interval_seconds, growth=growth)
    assert sum(clock.pauses) <= timeout_seconds + 1e-6
    assert outcome.state == len(clock.pauses) + 1
    assert outcome.settled == (outcome.state >= number)
