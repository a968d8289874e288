"""Waits for what a program does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(holds: Callable[[], bool], timeout_seconds: float = 20) -> None:
    """Returns once the condition holds; raises AssertionError when the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        assert time.monotonic() < deadline, f"did not hold within {timeout_seconds} s"
        time.sleep(0.05)
