"""Leaves alone for a while what has failed, so that a frozen server does not hold every thread for its time-out."""

from __future__ import annotations

import threading
import time


class Circuit:
    """Closed after so many failures in a row; then one caller at a time tries, once in `rest_seconds`.

    Who is let through tells `succeeded` or `failed`; where it tells neither, another is let through after
    `try_seconds`. A circuit that is open costs its users a look at one attribute.
    """

    def __init__(self, failures: int = 1, rest_seconds: float = 1.0, try_seconds: float = 10.0) -> None:
        self._failures_to_close = failures
        self._rest_seconds = rest_seconds
        self._try_seconds = try_seconds
        self._lock = threading.Lock()
        self._failures = 0
        self._next_try = 0.0

    def lets_through(self) -> bool:
        """Whether to try now."""
        if self._failures < self._failures_to_close:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._next_try:
                return False
            self._next_try = now + self._try_seconds
            return True

    def failed(self) -> None:
        """What was tried is not there, or too slow."""
        with self._lock:
            self._failures += 1
            self._next_try = time.monotonic() + self._rest_seconds

    def succeeded(self) -> None:
        """What was tried is there."""
        if self._failures:
            with self._lock:
                self._failures = 0
