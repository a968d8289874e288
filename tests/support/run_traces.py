"""Slow traces of a made-up run: segment documents over both tiers, as X-Ray's BatchGetTraces returns them."""

from __future__ import annotations

import random
from typing import Any

Segment = dict[str, Any]


class _Ids:
    """Ids from one seed, so that two builds of the same story are the same."""

    def __init__(self, seed: int, started_at: float) -> None:
        self._chance = random.Random(seed)
        self._epoch = int(started_at)

    def segment(self) -> str:
        return f"{self._chance.getrandbits(64):016x}"

    def trace(self) -> str:
        return f"1-{self._epoch:08x}-{self._chance.getrandbits(96):024x}"


def _part(ids: _Ids, name: str, start: float, duration: float, **more: Any) -> Segment:
    return {
        "id": ids.segment(),
        "name": name,
        "start_time": round(start, 6),
        "end_time": round(start + duration, 6),
    } | more


def _remote(ids: _Ids, name: str, start: float, duration: float, **more: Any) -> Segment:
    return _part(ids, name, start, duration, namespace="remote", **more)


def _backend(ids: _Ids, trace_id: str, start: float, duration: float, route: str, parent: str | None) -> Segment:
    sql = {
        "sql": {
            "sanitized_query": "SELECT products.id, products.slug FROM products WHERE products.status = %s LIMIT %s"
        },
        "metadata": {"sql": {"rows": 24}},
    }
    get, store = (
        {"metadata": {"redis": {"command": name, "keys": keys}}} for name, keys in (("GET", 1), ("EVALSHA", 9))
    )
    subsegments = [
        _remote(ids, "redis", start + duration * 0.04, duration * 0.05, **get),
        _remote(ids, "postgresql", start + duration * 0.14, duration * 0.52, **sql),
        _remote(ids, "postgresql", start + duration * 0.68, duration * 0.14, **sql),
        _remote(ids, "redis", start + duration * 0.86, duration * 0.06, **store),
    ]
    return _part(
        ids,
        "ecommerce-backend",
        start,
        duration,
        trace_id=trace_id,
        http=_http(f"http://127.0.0.1:4000{route}", 200),
        annotations={"http_method": "GET", "http_url": route, "http_route": route, "http_status": 200},
        subsegments=subsegments,
        **({"parent_id": parent} if parent else {}),
    )


def _page(ids: _Ids, trace_id: str, start: float, duration: float) -> list[Segment]:
    goods, tree = (_http(f"http://127.0.0.1:4000/api/catalog/{name}", 200) for name in ("products", "categories"))
    first = _remote(ids, "ecommerce-backend", start + duration * 0.03, duration * 0.55, http=goods)
    second = _remote(ids, "ecommerce-backend", start + duration * 0.6, duration * 0.22, http=tree)
    render = _part(ids, "render", start + duration * 0.84, duration * 0.13)
    page = _part(
        ids,
        "ecommerce-frontend",
        start,
        duration,
        trace_id=trace_id,
        http=_http("http://127.0.0.1:3000/products", 200),
        annotations={"http_method": "GET", "http_url": "/products", "http_route": "/products", "http_status": 200},
        subsegments=[first, second, render],
    )
    calls = [
        _backend(
            ids, trace_id, call["start_time"] + 0.0012, call["end_time"] - call["start_time"] - 0.002, route, call["id"]
        )
        for call, route in ((first, "/api/catalog/products"), (second, "/api/catalog/categories"))
    ]
    return [page, *calls]


def _http(url: str, status: int) -> dict[str, Any]:
    request = {"method": "GET", "url": url, "user_agent": "loadtest", "client_ip": "127.0.0.1"}
    return {"request": request, "response": {"status": status, "content_length": 4731}}


def slow_traces(seed: int, started_at: float, count: int = 8) -> list[dict[str, Any]]:
    """The slowest traces of a run, slowest first, mostly storefront pages."""
    ids, traces = _Ids(seed, started_at), []
    for position in range(count):
        duration = 0.146 * 0.87**position
        start = started_at + 9 + 37 * ((position * 5) % count) / count
        trace_id = ids.trace()
        page = position % 3 != 2
        segments = (
            _page(ids, trace_id, start, duration)
            if page
            else [_backend(ids, trace_id, start, duration, "/api/search", None)]
        )
        url = segments[0]["http"]["request"]["url"]
        traces.append(
            {"id": trace_id, "duration_seconds": round(duration, 6), "response_time_seconds": round(duration, 6)}
            | {"http": {"http_url": url, "http_method": "GET", "http_status": 200}, "segments": segments}
        )
    return traces
