"""Takes segments and spans in and throws them away: a process beside the servers, which costs the machine little."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from xraydaemon.receiver import Receiver


class Sink:
    """A running sink: its ports for segments (UDP) and for spans (OTLP by HTTP), and what has come to them."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.port: int
        self.otlp_port: int
        self.port, self.otlp_port = pipe.recv()

    def arrived(self) -> int:
        """Segments so far: servers' spans, and datagrams, also those that came too fast for the kernel."""
        self._pipe.send(None)
        count: int = self._pipe.recv()
        return count


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink on a free port of 127.0.0.1."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_drain, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Sink(ours)
    finally:
        ours.close()
        process.join()


def _drain(pipe: Connection) -> None:
    """The process' work; it ends when the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    received = 0

    def accept(_datagram: bytes) -> None:
        nonlocal received
        received += 1

    receiver = Receiver(("127.0.0.1", 0), accept)
    receiver.start()
    collector = ThreadingHTTPServer(("127.0.0.1", 0), _Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    with suppress(EOFError, OSError):
        pipe.send((receiver.address[1], collector.server_port))
        while True:
            pipe.recv()
            pipe.send(received + receiver.lost_in_socket() + _Collector.server_spans)


class _Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_spans = 0

    def do_POST(self) -> None:
        """Takes an export of spans; no bytes are the answer that all were taken."""
        export = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        scopes = (scope for resource in export.resource_spans for scope in resource.scope_spans)
        _Collector.server_spans += sum(span.kind == Span.SPAN_KIND_SERVER for scope in scopes for span in scope.spans)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""
