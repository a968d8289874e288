"""An HTTP server for tests of clients: it keeps what it was asked and answers what the path says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


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

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        served = HttpServer(int(server.server_address[1]))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
