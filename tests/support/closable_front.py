"""An HTTP front before another server: it passes requests on, or answers 503 while it is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from support.http_thread import http_thread


@dataclass
class ClosableFront:
    """The front's switch, and how many requests it turned away."""

    url: str = ""
    is_open: bool = True
    turned_away: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_until_turned_away(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.turned_away >= count, 60)

    def turn_away(self) -> None:
        with self.changed:
            self.turned_away += 1
            self.changed.notify_all()


@contextmanager
def closable_front(behind: str) -> Iterator[ClosableFront]:
    """Runs a front before the server at a URL."""
    front, target = ClosableFront(), urlsplit(behind).netloc

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not front.is_open:
                front.turn_away()
                self.send_error(503)
                return
            connection = HTTPConnection(target)
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.read())
            connection.close()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http_thread(Handler) as port:
        front.url = f"http://127.0.0.1:{port}"
        yield front
