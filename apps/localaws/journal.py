"""The journal of calls: which were made, in their order, and how each one ended."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

_KEPT_CALLS = 10_000


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was carried out or refused; `code` is the error's, empty when there was none."""

    number: int
    service: str
    operation: str
    status: int
    code: str
    access_key_id: str | None


class Journal:
    """The last calls, numbered from 1."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self._total = 0
        self._lock = threading.Lock()

    def note(self, service: str, operation: str, status: int, code: str, access_key_id: str | None) -> None:
        """Writes a call down."""
        with self._lock:
            self._total += 1
            self._calls.append(Call(self._total, service, operation, status, code, access_key_id))

    def clear(self) -> None:
        """Forgets all calls; the next is number 1."""
        with self._lock:
            self._calls.clear()
            self._total = 0

    def listed(self) -> list[dict[str, Any]]:
        """The calls that are kept, the oldest first."""
        with self._lock:
            calls = list(self._calls)
        return [asdict(call) for call in calls]
