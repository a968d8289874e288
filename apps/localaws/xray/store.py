"""Traces of one region, in memory: by id, and by the second of their id for reading newest first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from localaws.xray.documents import Segment

TRACE_LIMIT_BYTES: Final = 500 * 1024
"""AWS X-Ray quotas: the size of one trace that X-Ray keeps itself; beyond it the trace says LimitExceeded."""
DEFAULT_LIMIT_BYTES: Final = 1024**3

_log = logging.getLogger(__name__)


class Position(NamedTuple):
    """A place in the order of reading: the second, and how many traces of it are still to come."""

    second: int
    remaining: int


class Trace:
    """The segments of one trace, in the order in which they came; a segment sent again takes its first place.

    `in_logs` says that it is kept in the log group of spans instead of X-Ray, `indexed` that X-Ray summarizes it.
    """

    __slots__ = ("_segments", "id", "in_logs", "indexed", "limit_exceeded", "second", "size_bytes", "updated")

    def __init__(self, trace_id: str, second: int, in_logs: bool = False, indexed: bool = True) -> None:
        self.id = trace_id
        self.second = second
        self.in_logs = in_logs
        self.indexed = indexed
        self._segments: dict[str, Segment] = {}
        self.size_bytes = 0
        self.limit_exceeded = False
        self.updated = 0.0

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments of this moment."""
        return tuple(self._segments.values())

    def documents(self) -> list[str]:
        """The segments as they came."""
        return [segment.document.decode() for segment in self._segments.values()]

    def put(self, segment: Segment) -> int:
        """Adds a segment and returns the growth in bytes."""
        known = self._segments.get(segment.id)
        growth = len(segment.document) - (len(known.document) if known else 0)
        if known is None and not self.in_logs and self.size_bytes + growth > TRACE_LIMIT_BYTES:
            self.limit_exceeded = True
            return 0
        self._segments[segment.id] = segment
        self.size_bytes += growth
        return growth


class TraceStore:
    """Holds traces up to a number of document bytes; beyond it the oldest second goes, with a line in the log."""

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._traces: dict[str, Trace] = {}
        self._seconds: dict[int, list[Trace]] = {}
        self._lock = threading.Lock()

    def put(self, trace_id: str, second: int, segment: Segment, now: float, begin: Callable[[str, int], Trace]) -> None:
        """Adds a segment to its trace, which `begin` makes of id and second if it is the first of it."""
        with self._lock:
            trace = self._traces.get(trace_id) or begin(trace_id, second)
            trace.updated = now
            self._size_bytes += trace.put(segment)
            if trace_id not in self._traces:
                self._traces[trace_id] = trace
                self._seconds.setdefault(second, []).append(trace)
            if self._size_bytes > self._limit_bytes:
                self._forget_oldest()

    def get(self, trace_id: str) -> Trace | None:
        """The trace of this id, None if nothing of it is held."""
        return self._traces.get(trace_id)

    def saved(self) -> list[Any]:
        """Every trace in the order of its beginning, as `Region.restore_trace` takes them."""
        with self._lock:
            return [
                (trace.id, trace.second, trace.in_logs, trace.indexed, trace.updated, trace.documents())
                for trace in self._traces.values()
            ]

    def newest_first(self, first: int, last: int, position: Position | None = None) -> Iterator[tuple[Position, Trace]]:
        """Traces of the seconds first..last, each with the position from which reading goes on after it."""
        with self._lock:
            seconds = sorted((second for second in self._seconds if first <= second <= last), reverse=True)
        for second in seconds:
            if position is not None and second > position.second:
                continue
            traces = self._seconds.get(second, [])
            begin = position.remaining if position is not None and position.second == second else len(traces)
            for index in range(min(begin, len(traces)) - 1, -1, -1):
                yield Position(second, index), traces[index]

    def _forget_oldest(self) -> None:
        second = min(self._seconds)
        traces = self._seconds.pop(second)
        for trace in traces:
            del self._traces[trace.id]
            self._size_bytes -= trace.size_bytes
        _log.warning("over %d bytes of segments: the %d oldest traces are forgotten", self._limit_bytes, len(traces))
