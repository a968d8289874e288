"""Calls for the same thing at the same time become one call of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

_Outcome = TypeVar("_Outcome")


class Flights(Generic[_Outcome]):
    """Who comes while a call for the same key is under way gets its outcome, be it an exception.

    Nobody waits longer than `wait_seconds` for another's call: who has waited that long calls for itself.
    """

    def __init__(self, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Future[_Outcome]] = {}

    def join(self, key: Hashable, call: Callable[[], _Outcome]) -> _Outcome:
        """The outcome of `call`, or of another's for the same key. Raises what the call raised."""
        own: Future[_Outcome] = Future()
        with self._lock:
            flight = self._under_way.setdefault(key, own)
        if flight is own:
            return self._lead(key, own, call)
        wait((flight,), self._wait_seconds)
        return flight.result() if flight.done() else call()

    def _lead(self, key: Hashable, flight: Future[_Outcome], call: Callable[[], _Outcome]) -> _Outcome:
        try:
            flight.set_result(call())
        except BaseException as problem:
            flight.set_exception(problem)
            raise
        finally:
            with self._lock:
                del self._under_way[key]
        return flight.result()
