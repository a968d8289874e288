"""What Prometheus is told: every request counted once, at its end, in a WSGI wrapper around everything else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from tracing import Tracing
from tracing.flask import flask_route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNMATCHED = "unmatched"

Labels = tuple[str, str, str]
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class HttpMetrics:
    """The counters of one process; `exposition` joins those of all processes where they share a directory."""

    def __init__(self) -> None:
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
        self._tracing_lock = threading.Lock()
        self._tracing_seen = (0, 0)

    def observe(self, labels: Labels, seconds: float, received_bytes: int, transmitted_bytes: int) -> None:
        """Counts one request."""
        children = self._children.get(labels)
        if children is None:
            children = self._requests.labels(*labels), self._seconds.labels(*labels[:2])
            self._children[labels] = children
        children[0].inc()
        children[1].observe(seconds)
        self._received.inc(received_bytes)
        self._transmitted.inc(transmitted_bytes)

    def take_tracing(self, tracing: Tracing) -> None:
        """Adds what the tracing has sent and dropped since the last call."""
        with self._tracing_lock:
            sent, dropped = tracing.sent, tracing.dropped
            self._sent.inc(max(0, sent - self._tracing_seen[0]))
            self._dropped.inc(max(0, dropped - self._tracing_seen[1]))
            self._tracing_seen = (sent, dropped)

    def exposition(self) -> bytes:
        """Prometheus' text format."""
        registry = self._registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, registry=self._registry)


class MeasuredApplication:
    """A WSGI application whose requests are counted."""

    def __init__(self, application: Application, metrics: HttpMetrics) -> None:
        self.application = application
        self._metrics = metrics

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        exchange = _Exchange(self._metrics, environ, start_response)
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
    __slots__ = ("_began", "_environ", "_header_bytes", "_metrics", "_route", "_start_response", "_status")

    def __init__(self, metrics: HttpMetrics, environ: dict[str, Any], start_response: StartResponse) -> None:
        self._metrics = metrics
        self._environ = environ
        self._start_response = start_response
        self._began = time.perf_counter()
        self._status = "500"
        self._route = _UNMATCHED
        self._header_bytes = 0

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        self._status = status[:3]
        self._route = flask_route(self._environ) or _UNMATCHED
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


def _request_bytes(environ: dict[str, Any]) -> int:
    """The bytes of a request as HTTP/1.1 writes them: request line, headers and body."""
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    line = len(environ["REQUEST_METHOD"]) + len(path) + len(query) + 12
    headers = sum(len(name) - 1 + len(value) for name, value in environ.items() if name.startswith("HTTP_"))
    length = environ.get("CONTENT_LENGTH") or "0"
    return line + headers + (int(length) if length.isdigit() else 0)
