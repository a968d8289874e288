"""Calls for the same thing at the same time: one of them is made, and all get its outcome."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from backend.flights import Flights
from support.waiting import eventually

CALLERS = 8


class _Slow:
    """A call that lasts until it is released; counts how often it is made."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.made = 0
        self.began, self.released = threading.Event(), threading.Event()
        self._problem = problem

    def __call__(self) -> str:
        self.made += 1
        self.began.set()
        assert self.released.wait(20)
        if self._problem is not None:
            raise self._problem
        return "read"


def test_all_who_come_meanwhile_get_the_outcome_of_one_call(joined: list[object]) -> None:
    flights, slow = Flights[str](20), _Slow()
    with ThreadPoolExecutor(CALLERS) as pool:
        outcomes = [pool.submit(flights.join, "key", slow) for _unused in range(CALLERS)]
        eventually(lambda: len(joined) == CALLERS - 1)
        slow.released.set()
        assert {outcome.result() for outcome in outcomes} == {"read"}
    assert slow.made == 1
    assert flights.join("key", lambda: "again") == "again"


def test_all_who_come_meanwhile_get_the_exception_of_one_call(joined: list[object]) -> None:
    flights, slow = Flights[str](20), _Slow(KeyError("gone"))
    with ThreadPoolExecutor(CALLERS) as pool:
        outcomes = [pool.submit(flights.join, "key", slow) for _unused in range(CALLERS)]
        eventually(lambda: len(joined) == CALLERS - 1)
        slow.released.set()
        for outcome in outcomes:
            with pytest.raises(KeyError):
                outcome.result()
    assert slow.made == 1


def test_other_keys_do_not_wait() -> None:
    flights, slow = Flights[str](20), _Slow()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(flights.join, "key", slow)
        assert slow.began.wait(20)
        assert flights.join("other", lambda: "at once") == "at once"
        slow.released.set()
        assert waiting.result() == "read"


def test_nobody_waits_for_ever() -> None:
    flights, slow = Flights[str](0.01), _Slow()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(flights.join, "key", slow)
        assert slow.began.wait(20)
        assert flights.join("key", lambda: "own") == "own"
        slow.released.set()
        assert waiting.result() == "read"
