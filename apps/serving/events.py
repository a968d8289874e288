"""Security events: one line of JSON each, to a logger of their own, at most so many a second."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from serving.measured import ROUTE, Environ

LOGGER = logging.getLogger("security")
LINES_PER_SECOND = 20


class SecurityEvents:
    """Tells of logins, refusals and limits; the README has the table of fields.

    Strangers can cause most events, so of each kind a process tells LINES_PER_SECOND in a second and counts the rest,
    which `flush` or the kind's next event tells.
    """

    def __init__(self, service: str, address: Callable[[Environ], str], trace_id: Callable[[], str | None]) -> None:
        self._service = service
        self._address = address
        self._trace_id = trace_id
        self._lock = threading.Lock()
        self._second = 0
        self._told: dict[str, int] = {}

    def tell(self, event: str, environ: Environ, user_id: int | None = None, **details: str | int) -> None:
        """Logs an event of an environ's request. Details are never e-mail addresses, passwords or tokens."""
        if self._may_tell(event):
            request = {"client": self._address(environ), "method": environ.get("REQUEST_METHOD")}
            known = {"route": environ.get(ROUTE), "user_id": user_id, "trace_id": self._trace_id()}
            self._log(event, **request, **known, **details)

    def flush(self) -> None:
        """Tells how many events were not told in seconds that are over."""
        if self._told and int(time.time()) != self._second:
            with self._lock:
                self._begin_second(int(time.time()))

    def _may_tell(self, event: str) -> bool:
        with self._lock:
            if (second := int(time.time())) != self._second:
                self._begin_second(second)
            self._told[event] = told = self._told.get(event, 0) + 1
            return told <= LINES_PER_SECOND

    def _begin_second(self, second: int) -> None:
        before, self._told, self._second = self._told, {}, second
        for event, told in before.items():
            if told > LINES_PER_SECOND:
                self._log("events_suppressed", suppressed=event, count=told - LINES_PER_SECOND)

    def _log(self, event: str, **fields: Any) -> None:
        present = {name: value for name, value in fields.items() if value is not None}
        head = {"time": datetime.now(UTC), "event": event, "service": self._service}
        LOGGER.info(orjson.dumps(head | present, option=orjson.OPT_UTC_Z).decode())


def log_to_stderr() -> None:
    """Has the events written to stderr, a line each; for a process that serves."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
