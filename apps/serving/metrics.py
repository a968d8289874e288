"""What Prometheus is told: every request counted once, at its end, in a WSGI wrapper around everything else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNMATCHED = "unmatched"

Labels = tuple[str, str, str]
Segments = tuple[int, int]
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
RouteOf = Callable[[Environ], str | None]


class HttpMetrics:
    """The counters of one process; `exposition` joins those of all processes where they share a directory.

    `segments` tells how many segments the tracing of this process has sent and dropped since it began.
    """

    def __init__(self, segments: Callable[[], Segments]) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("http_requests_total", "Requests", labels, registry=self._registry)
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time until the last byte",
            labels[:2],
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._received = self._counter("http_network_receive_bytes_total", "Bytes of requests")
        self._transmitted = self._counter("http_network_transmit_bytes_total", "Bytes of responses")
        self._sent = self._counter("tracing_segments_sent_total", "Segments handed to the X-Ray daemon")
        self._dropped = self._counter("tracing_segments_dropped_total", "Segments lost before the X-Ray daemon")
        self._children: dict[Labels, tuple[Counter, Histogram]] = {}
        self._segments = segments
        self._segments_lock = threading.Lock()
        self._segments_seen: Segments = (0, 0)

    def observe(self, labels: Labels, seconds: float, received_bytes: int, transmitted_bytes: int) -> None:
        """Counts one request, and the segments since the one before."""
        children = self._children.get(labels)
        if children is None:
            children = self._requests.labels(*labels), self._seconds.labels(*labels[:2])
            self._children[labels] = children
        children[0].inc()
        children[1].observe(seconds)
        self._received.inc(received_bytes)
        self._transmitted.inc(transmitted_bytes)
        self._count_segments()

    def exposition(self) -> bytes:
        """Prometheus' text format."""
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if not folder:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        registry.register(_AllProcesses(Path(folder)))
        return generate_latest(registry)

    def _count_segments(self) -> None:
        if self._segments() == self._segments_seen:
            return
        with self._segments_lock:
            seen, now = self._segments_seen, self._segments()
            self._segments_seen = now
        self._sent.inc(max(0, now[0] - seen[0]))
        self._dropped.inc(max(0, now[1] - seen[1]))

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, registry=self._registry)


class _AllProcesses(Collector):
    """The counters that processes keep in a folder; a file that a starting process has yet to fill is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for file in self._folder.glob("*.db") if file.stat().st_size]
        joined: Iterable[Metric] = MultiProcessCollector.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
        return joined


class MeasuredApplication:
    """A WSGI application whose requests are counted; `route_of` tells the template of a request's route."""

    def __init__(self, application: Application, metrics: HttpMetrics, route_of: RouteOf) -> None:
        self.application = application
        self._metrics = metrics
        self._route_of = route_of

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        exchange = _Exchange(self._metrics, environ, start_response, self._route_of)
        try:
            body = self.application(environ, exchange.start_response)
        except BaseException:
            exchange.finish(0)
            raise
        if isinstance(body, list):
            exchange.finish(sum(map(len, body)))
            return body
        return _MeasuredBody(body, exchange)


class _Exchange:
    __slots__ = ("_began", "_environ", "_header_bytes", "_metrics", "_route", "_route_of", "_start_response", "_status")

    def __init__(
        self, metrics: HttpMetrics, environ: Environ, start_response: StartResponse, route_of: RouteOf
    ) -> None:
        self._metrics = metrics
        self._environ = environ
        self._start_response = start_response
        self._route_of = route_of
        self._began = time.perf_counter()
        self._status = "500"
        self._route = _UNMATCHED
        self._header_bytes = 0

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        self._status = status[:3]
        self._route = self._route_of(self._environ) or _UNMATCHED
        # The status line with HTTP/1.1 and CRLF, then name, ": ", value and CRLF of each header, then an empty line.
        self._header_bytes = len(status) + 13 + sum(len(name) + len(value) + 4 for name, value in headers)
        return self._start_response(status, headers, *exc_info)

    def finish(self, body_bytes: int) -> None:
        method = self._environ["REQUEST_METHOD"]
        labels = (method if method in _METHODS else "other", self._route, self._status)
        seconds = time.perf_counter() - self._began
        self._metrics.observe(labels, seconds, _request_bytes(self._environ), self._header_bytes + body_bytes)


class _MeasuredBody:
    """A response body that counts its request when it is closed or at its end."""

    __slots__ = ("_body", "_bytes", "_exchange", "_iterator")

    def __init__(self, body: Iterable[bytes], exchange: _Exchange) -> None:
        self._body = body
        self._iterator = iter(body)
        self._exchange: _Exchange | None = exchange
        self._bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._iterator)
        except BaseException:
            self._finish()
            raise
        self._bytes += len(chunk)
        return chunk

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._finish()

    def _finish(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.finish(self._bytes)


def _request_bytes(environ: Environ) -> int:
    """The bytes of a request as HTTP/1.1 writes them: request line, headers and body."""
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    # "GET /path?query HTTP/1.1" and CRLF, name, ": ", value and CRLF of each header, then an empty line.
    line = len(environ["REQUEST_METHOD"]) + len(path) + len(query) + bool(query) + 12
    headers = sum(len(name) - 1 + len(value) for name, value in environ.items() if name.startswith("HTTP_"))
    length = environ.get("CONTENT_LENGTH") or "0"
    return line + headers + 2 + (int(length) if length.isdecimal() else 0)
