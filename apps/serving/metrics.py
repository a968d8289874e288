"""What Prometheus is told: every request counted once, at its end, in a WSGI wrapper around everything else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Labels = tuple[str, str, str]
Segments = tuple[int, int, int, int]
_SEGMENTS = {
    "tracing_segments_sent_total": "Segments handed to the X-Ray daemon",
    "tracing_segments_dropped_total": "Segments lost before the X-Ray daemon",
    "tracing_segments_kept_total": "Segments of requests that were not sampled, sent because they failed or were slow",
    "tracing_segments_kept_refused_total": "Segments that would have been kept, had there not been so many",
}


class HttpMetrics:
    """The counters of one process; `exposition` joins those of all processes where they share a directory.

    A request only extends a list: one step, which any thread may do without a lock. `flush` adds them up, and in a
    process that serves a Flusher calls it. `segments` tells how many segments the tracing of this process has sent,
    dropped, kept and not kept since it began.
    """

    def __init__(self, segments: Callable[[], Segments]) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("http_requests_total", "Requests", labels, registry=self._registry)
        self._seconds = _Durations(
            "http_request_duration_seconds",
            "Time until the last byte",
            labels[:2],
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._received = self._counter("http_network_receive_bytes_total", "Bytes of requests")
        self._transmitted = self._counter("http_network_transmit_bytes_total", "Bytes of responses")
        self._of_segments = [self._counter(name, text) for name, text in _SEGMENTS.items()]
        self._flushing = threading.Lock()
        self._waiting: dict[Labels, list[float]] = {}
        self._segments = segments
        self._segments_seen: Segments = (0, 0, 0, 0)

    def waiting(self, labels: Labels) -> list[float]:
        """The list of the requests of a method, route and status that wait to be added up.

        Extend it by three numbers a request: the seconds it took, its bytes and those of its response.
        """
        return self._waiting.setdefault(labels, [])

    def flush(self) -> None:
        """Adds what was noted since the last time to the counters."""
        with self._flushing:
            for labels, waiting in list(self._waiting.items()):
                if noted := _taken(waiting):
                    self._requests.labels(*labels).inc(len(noted) // 3)
                    self._seconds.labels(*labels[:2]).add(noted[::3])
                    self._received.inc(sum(noted[1::3]))
                    self._transmitted.inc(sum(noted[2::3]))
            self._count_segments()

    def exposition(self) -> bytes:
        """Prometheus' text format; of other processes, what they counted until their last flush."""
        self.flush()
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if not folder:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        registry.register(_AllProcesses(Path(folder)))
        return generate_latest(registry)

    def _count_segments(self) -> None:
        seen, now = self._segments_seen, self._segments()
        self._segments_seen = now
        for counter, before, after in zip(self._of_segments, seen, now, strict=True):
            counter.inc(max(0, after - before))

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, registry=self._registry)


class _Durations(Histogram):
    """A histogram to which many observations can be added at once, for which prometheus_client has no call."""

    def add(self, seconds: Sequence[float]) -> None:
        """Observes each of `seconds`."""
        self._sum.inc(sum(seconds))
        above = list(seconds)
        for bound, bucket in zip(self._upper_bounds, self._buckets, strict=True):
            rest = [value for value in above if value > bound]
            if len(rest) < len(above):
                bucket.inc(len(above) - len(rest))
            above = rest
            if not above:
                break


class _AllProcesses(Collector):
    """The counters that processes keep in a folder; a file that a starting process has yet to fill is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
        joined: Iterable[Metric] = MultiProcessCollector.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
        return joined


def _taken(values: list[float]) -> list[float]:
    """Empties a list that others extend meanwhile: what they add after the copy stays for the next time."""
    taken = values[:]
    del values[: len(taken)]
    return taken
