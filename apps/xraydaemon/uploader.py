"""Takes batches from the queue to X-Ray, and holds on to them while X-Ray cannot be had."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from xraydaemon.datagrams import document
from xraydaemon.segment_queue import SegmentQueue
from xraydaemon.xray_api import AWS_ERRORS, XRayApi, explain, is_wrong_request

BATCH_SEGMENTS: Final = 50
"""AWS X-Ray API reference: documents of one PutTraceSegments."""
FIRST_DELAY_SECONDS: Final = 0.1
LONGEST_DELAY_SECONDS: Final = 5.0
_REFUSALS_LOGGED: Final = 10

_log = logging.getLogger(__name__)


class TroubleLog:
    """Says once that something is wrong, and once that it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._since = 0.0

    def trouble(self, message: str) -> None:
        """Logs a trouble that was not told since all was well."""
        with self._lock:
            if not self._told:
                self._since = time.monotonic()
            if message not in self._told:
                self._told.add(message)
                _log.warning("%s; segments are kept and sent again", message)

    def well(self) -> None:
        """Logs the end of a trouble."""
        with self._lock:
            if self._told:
                self._told.clear()
                _log.info("X-Ray takes segments again after %.1f s", time.monotonic() - self._since)


class Uploaders:
    """The threads that send; each holds one batch at a time."""

    def __init__(self, queue: SegmentQueue, api: XRayApi, threads: int) -> None:
        self._queue = queue
        self._api = api
        self._troubles = TroubleLog()
        self._gave_up = threading.Event()
        self._refusals = 0
        names = (f"uploader-{number}" for number in range(threads))
        self._threads = [threading.Thread(target=self._run, name=name, daemon=True) for name in names]

    def start(self) -> None:
        """Begins to send."""
        for thread in self._threads:
            thread.start()

    def finish(self, timeout_seconds: float) -> None:
        """Sends what a closed queue still holds, for at most this long; the rest is dropped and counted."""
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._gave_up.set()
        for thread in self._threads:
            thread.join(0.1)

    def _run(self) -> None:
        while not self._queue.is_finished:
            datagrams = self._queue.take(BATCH_SEGMENTS)
            documents = [found for datagram in datagrams if (found := document(datagram)) is not None]
            self._queue.settle(malformed=len(datagrams) - len(documents))
            if documents:
                self._deliver(documents)

    def _deliver(self, documents: list[str]) -> None:
        """Sends one batch until X-Ray has answered for it."""
        for delay_seconds in _delays():
            if self._gave_up.is_set():
                return self._queue.settle(dropped=len(documents))
            try:
                answer = self._api.call("put_trace_segments", {"TraceSegmentDocuments": documents})
            except AWS_ERRORS as error:
                if is_wrong_request(error):
                    return self._refuse(documents, error)
                self._troubles.trouble(explain(error))
                self._gave_up.wait(delay_seconds)
            else:
                self._troubles.well()
                return self._book(documents, answer.get("UnprocessedTraceSegments", []))
        return None

    def _refuse(self, documents: list[str], error: Exception) -> None:
        _log.error("X-Ray refuses a batch of %d segments: %s", len(documents), error)
        self._queue.settle(rejected=len(documents))

    def _book(self, documents: list[str], unprocessed: list[dict[str, Any]]) -> None:
        self._queue.settle(sent=len(documents) - len(unprocessed), rejected=len(unprocessed))
        for entry in unprocessed[: max(0, _REFUSALS_LOGGED - self._refusals)]:
            _log.warning("X-Ray refuses segment %s: %s", entry.get("Id"), entry.get("ErrorCode"))
        self._refusals += len(unprocessed)


def _delays() -> Iterator[float]:
    """Waits that grow to a bound, each shortened at random so that threads do not go in step."""
    delay_seconds = FIRST_DELAY_SECONDS
    while True:
        yield delay_seconds * random.uniform(0.5, 1)  # noqa: S311 - spreads load, keeps no secret
        delay_seconds = min(delay_seconds * 2, LONGEST_DELAY_SECONDS)
