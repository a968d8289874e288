"""A collector of OpenTelemetry's spans for tests: OTLP over HTTP in, answers as it is told to give."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from support.waiting import eventually


class SpanCollector:
    """What arrived, and how it is answered: with `status`, and with as many spans rejected as `rejected` says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.rejected = 0
        self.requests: list[tuple[Mapping[str, str], ExportTraceServiceRequest]] = []
        self.answer = threading.Event()
        self.answer.set()

    @property
    def spans(self) -> list[Any]:
        """All spans that arrived."""
        return [
            span
            for _headers, request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for(self, count: int) -> dict[str, Any]:
        """The spans by their names, once there are as many."""
        eventually(lambda: len(self.spans) >= count)
        assert len(self.spans) == count
        return {span.name: span for span in self.spans}


@contextmanager
def span_collector() -> Iterator[SpanCollector]:
    """Runs a collector on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    collector = SpanCollector(f"http://127.0.0.1:{server.server_port}/v1/traces")
    server.RequestHandlerClass = _handler(collector)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield collector
    finally:
        collector.answer.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(collector: SpanCollector) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.answer.wait(10)
            headers = {name.lower(): value for name, value in self.headers.items()}
            collector.requests.append((headers, ExportTraceServiceRequest.FromString(body)))
            partial = ExportTracePartialSuccess(rejected_spans=collector.rejected)
            answer = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
            self.send_response(collector.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    return Handler


def attributes(span: Any) -> dict[str, Any]:
    """A span's or an event's attributes, lists as lists."""
    return {pair.key: _value(pair.value) for pair in span.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(item) for item in value.array_value.values] if kind == "array_value" else getattr(value, kind)
