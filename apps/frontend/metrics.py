"""The storefront's own counters in Prometheus' text format, over all of its processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from tracing import Tracing
from tracing.flask import flask_route

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LINE_OVERHEAD_BYTES = len(": \r\n")
_STATUS_LINE_BYTES = len("HTTP/1.1 \r\n\r\n")
_Environ = dict[str, Any]
_Wsgi = Callable[[_Environ, Callable[..., Any]], Iterable[bytes]]


class Metrics:
    """Counts every request exactly once, whatever becomes of it; `route` is the route's template, so it is bounded."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing, self._segments_lock = tracing, threading.Lock()
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = self._counter("http_requests_total", "Requests answered.", labels)
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time to an answer.",
            labels[:2],
            buckets=_BUCKETS_SECONDS,
            registry=self._registry,
        )
        self._received = self._counter("http_network_receive_bytes_total", "Bytes of requests, headers included.")
        self._transmitted = self._counter("http_network_transmit_bytes_total", "Bytes of answers, headers included.")
        self._segments_sent = self._counter("tracing_segments_sent_total", "Segments handed to the daemon's address.")
        self._segments_dropped = self._counter("tracing_segments_dropped_total", "Segments known to be lost.")
        self._segments_seen = (0, 0)

    def instrument(self, app: Flask) -> None:
        """Puts itself around the app as it is now."""
        app.wsgi_app = self._around(app.wsgi_app)  # type: ignore[assignment,method-assign]

    def response(self) -> Response:
        """All counters, of all processes where PROMETHEUS_MULTIPROC_DIR is set."""
        return Response(generate_latest(self._exposed()), content_type=CONTENT_TYPE_LATEST)

    def _exposed(self) -> CollectorRegistry:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if not folder:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return registry

    def _counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, description, labels, registry=self._registry)

    def _around(self, wsgi: _Wsgi) -> _Wsgi:
        def counted(environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
            started, status, sent_bytes, route = time.perf_counter(), "500", 0, "unmatched"

            def start(status_line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                nonlocal status, sent_bytes, route
                status, route = status_line[:3], flask_route(environ) or route
                sent_bytes = _response_bytes(environ, status_line, headers)
                return start_response(status_line, headers, *rest)

            try:
                return wsgi(environ, start)
            finally:
                self._count(environ, route, status, sent_bytes, time.perf_counter() - started)

        return counted

    def _count(self, environ: _Environ, route: str, status: str, sent_bytes: int, seconds: float) -> None:
        method = environ["REQUEST_METHOD"]
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, status).inc()
        self._durations.labels(method, route).observe(seconds)
        self._received.inc(_request_bytes(environ))
        self._transmitted.inc(sent_bytes)
        self._count_segments()

    def _count_segments(self) -> None:
        """Adds what the tracing of this process counted since the last time."""
        with self._segments_lock:
            seen, now = self._segments_seen, (self._tracing.sent, self._tracing.dropped)
            self._segments_seen = now
        self._segments_sent.inc(now[0] - seen[0])
        self._segments_dropped.inc(now[1] - seen[1])


def _request_bytes(environ: _Environ) -> int:
    line = f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')} HTTP/1.1\r\n"
    body = environ.get("CONTENT_LENGTH") or "0"
    headers = sum(
        len(name) - len("HTTP_") + len(value) + _LINE_OVERHEAD_BYTES
        for name, value in environ.items()
        if name.startswith("HTTP_")
    )
    return len(line) + headers + len("\r\n") + (int(body) if body.isdecimal() else 0)


def _response_bytes(environ: _Environ, status_line: str, headers: list[tuple[str, str]]) -> int:
    size = _STATUS_LINE_BYTES + len(status_line)
    for name, value in headers:
        size += len(name) + len(value) + _LINE_OVERHEAD_BYTES
        if name == "Content-Length" and environ["REQUEST_METHOD"] != "HEAD":
            size += int(value)
    return size
