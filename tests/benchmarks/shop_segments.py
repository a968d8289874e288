"""Segments such as the shop's two tiers send them: a page of the storefront, and the API behind it."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import orjson

_ROUTES = (
    ("/", "/"),
    ("/products/{id}", "/products/<int:product_id>"),
    ("/categories/{id}", "/categories/<int:category_id>"),
    ("/cart", "/cart"),
    ("/orders/{id}", "/orders/<int:order_id>"),
)
_STATUSES = (200,) * 96 + (404, 404, 429, 500)
_STATEMENT = (
    "SELECT products.id, products.name, products.slug, products.price_cents, products.stock, categories.name "
    "FROM products JOIN categories ON categories.id = products.category_id WHERE products.id = %(id_1)s::INTEGER"
)


def documents(seed: int = 1) -> Iterator[bytes]:
    """An endless run of segment documents, two a trace, the API's first: it ends before the page does."""
    chance = random.Random(seed)
    for number in itertools.count():
        yield from map(orjson.dumps, _trace(chance, number))


def _trace(chance: random.Random, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    now = time.time()
    trace_id = f"1-{int(now):08x}-{os.urandom(12).hex()}"
    path, route = chance.choice(_ROUTES)
    path, status = path.format(id=number % 200), chance.choice(_STATUSES)
    seconds = chance.expovariate(50) + 0.004
    call = _part("ecommerce-backend", now + 0.001, seconds - 0.002)
    call["http"] = {
        "request": {"method": "GET", "url": f"http://127.0.0.1:5001/api{path}"},
        "response": {"status": status, "content_length": 812},
    }
    front = _segment("ecommerce-frontend", trace_id, now, seconds)
    front |= _request(f"http://127.0.0.1:5000{path}", path, route, status)
    back = _segment("ecommerce-backend", trace_id, now, seconds - 0.002)
    back |= _request(f"http://127.0.0.1:5001/api{path}", f"/api{path}", f"/api{route}", status)
    cached = _part("redis", now + 0.001, 0.0004)
    cached["metadata"] = {"redis": {"command": "GET", "keys": 1}}
    queried = _part("postgresql", now + 0.002, 0.001)
    queried |= {"sql": {"database_type": "PostgreSQL", "sanitized_query": _STATEMENT}, "metadata": {"sql": {"rows": 1}}}
    return (
        {**back, "parent_id": call["id"], "subsegments": [cached, queried] if number % 4 == 0 else [cached]},
        {**front, "subsegments": [call]},
    )


def _request(url: str, path: str, route: str, status: int) -> dict[str, Any]:
    client = {"user_agent": "python-requests/2.32 locust/2.47.0", "client_ip": "127.0.0.1"}
    response = {"status": status, "content_length": 4096}
    told: dict[str, Any] = {
        "http": {"request": {"method": "GET", "url": url, **client}, "response": response},
        "annotations": {"http_method": "GET", "http_url": path, "http_status": status, "http_route": route},
    }
    return told if status < 400 else {**told, "fault" if status >= 500 else "error": True}


def _segment(name: str, trace_id: str, start: float, seconds: float) -> dict[str, Any]:
    return {"trace_id": trace_id, **_timed(name, start, seconds)}


def _part(name: str, start: float, seconds: float) -> dict[str, Any]:
    return {**_timed(name, start, seconds), "namespace": "remote"}


def _timed(name: str, start: float, seconds: float) -> dict[str, Any]:
    return {"id": os.urandom(8).hex(), "name": name, "start_time": start, "end_time": start + seconds}
