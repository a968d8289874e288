"""An HTTP server for tests of clients: it keeps what it was asked and answers what the path says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from support.http_thread import http_thread


class Received(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    trace_headers: list[str]


class HttpServer:
    """`received` are the requests so far; `/status/<n>` answers with that status, `/cut` with nothing at all."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.received: list[Received] = []


@contextmanager
def http_server() -> Iterator[HttpServer]:
    """Serves on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            served.received.append(Received(self.command, self.path, self.headers.get_all("X-Amzn-Trace-Id", [])))
            if self.path == "/cut":
                self.close_connection = True
                return
            content = json.dumps({"path": self.path}).encode()
            self.send_response(int(self.path.rpartition("/")[2]) if self.path.startswith("/status/") else 200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            with suppress(ConnectionError):  # of a client that does not wait for its answer
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = do_PUT = handle_any

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with http_thread(Handler) as port:
        served = HttpServer(port)
        yield served
