"""A small shop that really answers over HTTP: what the load generator is held against."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlsplit

TOKEN = "token-of-{}"
_PAGE = b"<!doctype html><html><body>shop</body></html>"
_PRODUCTS = {"items": [{"slug": f"product-{number}"} for number in range(3)], "page": 1}


@dataclass(frozen=True)
class Answer:
    """One answer, after a delay; a status of 0 closes the connection without one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0


@dataclass
class FakeShop:
    """Both tiers in one server. `special` answers replace those of a path; every request is counted by its path."""

    url: str = ""
    special: dict[str, Answer] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    seen_headers: list[Mapping[str, str]] = field(default_factory=list)
    users_of_tokens: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=count)

    def load_requests(self) -> int:
        """How many requests came, without those that ask for the health."""
        return sum(number for path, number in self.requests.items() if "health" not in path)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with self.lock:
            self.requests[path] += 1
            self.seen_headers.append(headers)
        if path in self.special:
            return self.special[path]
        if path.startswith("/api/"):
            return self._api(method, path, headers, body)
        return Answer(body=_PAGE, headers={"Content-Type": "text/html"})

    def _api(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if path == "/api/auth/login":
            credentials = json.loads(body)
            return _success({"token": TOKEN.format(credentials["email"]), "expires_in": 3600})
        if path in ("/api/orders", "/api/auth/me"):
            token = headers.get("Authorization", "").removeprefix("Bearer ")
            self.users_of_tokens[token] += 1
            return _success({"items": []}) if token.startswith("token-of-") else Answer(401, b"{}")
        return _success([{"slug": "lamps"}] if path == "/api/catalog/categories" else _PRODUCTS)


def _success(data: Any) -> Answer:
    return Answer(body=json.dumps({"success": True, "data": data}).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: FakeShop

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.shop.answer(self.command, urlsplit(self.path).path, dict(self.headers), body)
        time.sleep(answer.delay_seconds)
        if not answer.status:
            self.close_connection = True
            return
        trace = f"Root=1-00000000-{next(self.shop.numbers):024x};Sampled=1"
        headers = {"Content-Length": str(len(answer.body)), "X-Amzn-Trace-Id": trace, **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} Answer", *(f"{name}: {value}" for name, value in headers.items())]
        with suppress(ConnectionError):  # who asked may not have waited
            self.wfile.write("\r\n".join([*lines, "", ""]).encode() + answer.body)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keeps the test's output clean."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def running_shop() -> Iterator[FakeShop]:
    """A shop that answers on a free port of 127.0.0.1 until the block ends."""
    shop = FakeShop()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"shop": shop}))
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
