"""Both tiers under 200 users without think time, every request traced: how fast, how slow, and is anything lost."""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

import orjson
from benchmarks.rounds import cpu_seconds
from benchmarks.servers import Server, get, wait_until_sampled
from benchmarks.shop import ACCOUNTS, Shop, email, token
from benchmarks.stand_in import StandIn, drained, stored, xray_daemon
from benchmarks.users import Call, Load, load
from loadtest.profiles import built_in_profiles
from support.admin import Admin
from support.xray_daemon import RunningDaemon

USERS: Final = 200
SECONDS: Final = 15
WARM_UP_SECONDS: Final = 3
PAGE: Final = "page"
# Counters are added up and segments sent a moment after their request.
COUNTED_SECONDS: Final = 1.0
# X-Ray is not on the shop's machine: what it and the way to it cost here is paid after the load.
UPLOADS_WAIT: Final = {"operation": "PutTraceSegments", "error": {"code": "ThrottledException", "status": 429}}
QUEUE: Final = {"XRAY_QUEUE_SEGMENTS": "1000000", "XRAY_QUEUE_BYTES": str(2 * 1024**3)}
_SENT = re.compile(rb"^tracing_segments_(?:sent|dropped)_total(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
_TERMS: Final = ("coffee", "kitchen", "linen", "oak", "lamp", "desk", "wool", "plant")


def measure(shop: Shop, started: StandIn) -> dict[str, list[float]]:
    """The figures. The mix is that of the load test's profile `demo`."""
    with ExitStack() as running:
        daemon = running.enter_context(xray_daemon(started, **QUEUE))
        address = f"127.0.0.1:{daemon.port}"
        backend = running.enter_context(shop.backend(AWS_XRAY_DAEMON_ADDRESS=address))
        frontend = running.enter_context(shop.frontend(backend, AWS_XRAY_DAEMON_ADDRESS=address))
        for tier, path in ((backend, "/api/catalog/categories"), (frontend, "/")):
            wait_until_sampled(tier.port, path, shop.headers)
        mix = _Mix(backend.port, frontend.port, shop.headers)
        with Admin(started.url).faults(UPLOADS_WAIT):
            _load(mix, WARM_UP_SECONDS)
            before = [cpu_seconds(tier.process) for tier in (backend, frontend)]
            done = _load(mix, SECONDS)
            used = [cpu_seconds(tier.process) for tier in (backend, frontend)]
            time.sleep(COUNTED_SECONDS)
        sys.stderr.write(f"· {done.requests:,} requests, now their segments are uploaded\n")
        figures = _speed(done)
        figures["two_tier_backend_cores"] = (used[0] - before[0]) / done.seconds
        figures["two_tier_frontend_cores"] = (used[1] - before[1]) / done.seconds
        figures |= _loss((backend, frontend), daemon, started)
        return {name: [value] for name, value in figures.items()}


def _load(mix: _Mix, seconds: float) -> Load:
    return load([mix.script(number) for number in range(USERS)], seconds)


def _speed(done: Load) -> dict[str, float]:
    for kind, count in done.errors.items():
        sys.stderr.write(f"  {count} x {kind}\n")
    return {
        "two_tier_rps": done.requests / done.seconds,
        "two_tier_pages_per_second": len(done.latencies_ms[PAGE]) / done.seconds,
        "two_tier_p50_ms": done.percentile_ms(0.50),
        "two_tier_p95_ms": done.percentile_ms(0.95),
        "two_tier_page_p95_ms": done.percentile_ms(0.95, PAGE),
        "two_tier_requests": float(done.requests),
        "two_tier_errors": float(done.errors.total()),
        "two_tier_generator_cores": done.cpu_seconds / done.seconds,
    }


def _loss(tiers: Sequence[Server], daemon: RunningDaemon, started: StandIn) -> dict[str, float]:
    sent = sum(_segments(tier.port) for tier in tiers)
    stats = drained(daemon, sent)
    kept = stored(started)
    return {
        "segments_sent": sent,
        "segments_received": stats["received"],
        "segments_stored": kept,
        "segments_lost": sent - kept,
    }


def _segments(port: int) -> int:
    """What a tier traced since it began: handed over, or dropped by itself."""
    return int(sum(map(float, _SENT.findall(get(port, "/metrics").body))))


class _Mix:
    """The demonstration's mix of requests to two tiers, as bytes."""

    def __init__(self, backend: int, frontend: int, headers: Mapping[str, str]) -> None:
        self._backend, self._frontend, self._headers = backend, frontend, headers
        self._weights = built_in_profiles()["demo"].mix
        self._tokens = [token(backend, email(number), headers) for number in range(ACCOUNTS)]
        products = orjson.loads(get(backend, "/api/catalog/products", headers).body)["data"]["items"]
        categories = orjson.loads(get(backend, "/api/catalog/categories", headers).body)["data"]
        self._product_slugs = [product["slug"] for product in products]
        self._category_slugs = [category["slug"] for category in categories]

    def script(self, user: int) -> Iterator[Call]:
        """What one user asks for, without end."""
        chance = random.Random(user)
        bearer = {"Authorization": f"Bearer {self._tokens[user % ACCOUNTS]}"}
        products = [self._api(f"/api/catalog/products?page={page}&limit=20") for page in (1, 2, 3)]
        searches = [self._api(f"/api/search?q={term}") for term in _TERMS]
        account = [self._api("/api/orders", bearer), self._api("/api/auth/me", bearer)]
        iterations = {
            "products": [[call] for call in products],
            "categories": [[self._api("/api/catalog/categories")]],
            "search": [[call] for call in searches],
            "account": [account],
            "storefront": [[call] for kind in self._pages() for call in [chance.choice(kind)]],
        }
        kinds = list(self._weights)
        while True:
            [kind] = chance.choices(kinds, list(self._weights.values()))
            yield from chance.choice(iterations[kind])

    def _pages(self) -> list[list[Call]]:
        """The storefront's pages by kind."""
        paths = [["/"], ["/products"]]
        paths += [[f"/products/{slug}" for slug in self._product_slugs]]
        paths += [[f"/categories/{slug}" for slug in self._category_slugs]]
        paths += [[f"/search?q={term}" for term in _TERMS]]
        return [[self._call(self._frontend, PAGE, path, {}) for path in kind] for kind in paths]

    def _api(self, target: str, headers: Mapping[str, str] | None = None) -> Call:
        return self._call(self._backend, target.partition("?")[0], target, headers or {})

    def _call(self, port: int, kind: str, target: str, headers: Mapping[str, str]) -> Call:
        fields = {"Host": f"127.0.0.1:{port}", "User-Agent": "benchmark", **self._headers, **headers}
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return Call(port, kind, ("\r\n".join(lines) + "\r\n\r\n").encode())
