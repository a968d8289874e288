"""A shop that counts what it is asked, as the real tiers do: Prometheus text, cache counters, the daemon's stats."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from support.http_thread import http_thread


@dataclass
class MeteredShop:
    """Both tiers and the daemon in one server; a product is in the cache from the second time on."""

    url: str = ""
    traces: bool = True
    missing: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, path: str) -> tuple[int, str]:
        with self.lock:
            self.requests[path] += 1
            if path in self.missing:
                return 404, "no such page"
            texts = {"/metrics": self._metrics, "/metrics/cache": self._cache, "/stats": self._stats}
            return 200, texts[path]() if path in texts else "fine"

    def _customers(self) -> int:
        return sum(count for path, count in self.requests.items() if path.startswith(("/products", "/api/catalog")))

    def _metrics(self) -> str:
        lines = ["# HELP http_requests_total Requests.", "# TYPE http_requests_total counter"]
        for path, count in self.requests.items():
            if path == "/stats":
                continue  # the daemon's, which no tier counts
            lines.append(f'http_requests_total{{method="GET",route="{path}",status="200"}} {float(count)}')
        if self.traces:
            lines += [f"tracing_segments_sent_total {self._customers()}.0", "tracing_segments_dropped_total 0.0"]
        return "\n".join([*lines, ""])

    def _cache(self) -> str:
        lookups = self.requests["/api/catalog/products"]
        hits = max(lookups - 1, 0)
        rate = 100 * hits / lookups if lookups else 0
        return json.dumps({"hits": hits, "misses": lookups - hits, "hitRate": rate, "total": lookups})

    def _stats(self) -> str:
        sent = self._customers() if self.traces else 0
        return json.dumps({"received": sent, "sent": sent, "dropped": 0, "malformed": 0, "rejected": 0, "queued": 0})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: MeteredShop

    def do_GET(self) -> None:
        status, text = self.shop.answer(urlsplit(self.path).path)
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keeps the test's output clean."""


@contextmanager
def metered_shop() -> Iterator[MeteredShop]:
    """A shop that answers on a free port of 127.0.0.1 until the block ends."""
    shop = MeteredShop()
    with http_thread(type("Handler", (_Handler,), {"shop": shop})) as port:
        shop.url = f"http://127.0.0.1:{port}"
        yield shop
