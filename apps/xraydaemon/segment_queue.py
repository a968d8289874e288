"""The bounded queue between receiving and uploading, and the book of what became of each datagram."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Final

LINGER_SECONDS: Final = 0.2
"""How long a batch that is not full waits for more."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Datagrams since the start; received = sent + dropped + malformed + rejected + queued at every moment."""

    received: int
    sent: int
    dropped: int
    malformed: int
    rejected: int
    queued: int

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


class SegmentQueue:
    """Keeps datagrams until an uploader has settled them; when it is full the newest ones are dropped and counted."""

    def __init__(self, limit_segments: int, limit_bytes: int) -> None:
        self._limit_segments = limit_segments
        self._limit_bytes = limit_bytes
        self._datagrams: deque[bytes] = deque()
        self._size_bytes = 0
        self._in_flight = 0
        self._received = self._sent = self._dropped = self._malformed = self._rejected = 0
        self._wake_at = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, datagram: bytes) -> None:
        """Takes one datagram in, or drops it. Never waits."""
        with self._changed:
            self._received += 1
            full = len(self._datagrams) + self._in_flight >= self._limit_segments
            if full or self._size_bytes + len(datagram) > self._limit_bytes:
                self._dropped += 1
                return
            self._datagrams.append(datagram)
            self._size_bytes += len(datagram)
            if len(self._datagrams) == 1 or len(self._datagrams) == self._wake_at:
                self._changed.notify()

    def take(self, limit: int) -> list[bytes]:
        """Waits for up to `limit` datagrams, which the caller settles; an empty list once closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._datagrams or self._closed)
            self._wake_at = limit
            self._changed.wait_for(lambda: len(self._datagrams) >= limit or self._closed, LINGER_SECONDS)
            batch = [self._datagrams.popleft() for _unused in range(min(limit, len(self._datagrams)))]
            self._size_bytes -= sum(map(len, batch))
            self._in_flight += len(batch)
            if self._datagrams:
                self._changed.notify()
            return batch

    def settle(self, *, sent: int = 0, rejected: int = 0, malformed: int = 0, dropped: int = 0) -> None:
        """Books what became of datagrams that were taken."""
        with self._changed:
            self._in_flight -= sent + rejected + malformed + dropped
            self._sent += sent
            self._rejected += rejected
            self._malformed += malformed
            self._dropped += dropped

    def close(self) -> None:
        """Ends waiting: takers get what is left, then empty lists."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def is_finished(self) -> bool:
        """Whether it is closed and nothing is left to take."""
        with self._changed:
            return self._closed and not self._datagrams

    def stats(self) -> Stats:
        """The counts of this moment."""
        with self._changed:
            return Stats(
                received=self._received,
                sent=self._sent,
                dropped=self._dropped,
                malformed=self._malformed,
                rejected=self._rejected,
                queued=len(self._datagrams) + self._in_flight,
            )
