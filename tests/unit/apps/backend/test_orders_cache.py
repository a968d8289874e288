"""What an order throws out of the cache: the answers that show what it takes or gives back, and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from backend.settings import Settings
from backend.views.common import shop_of
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from support.orders import KETTLE, LAMP, STOOL, change_product, place, product
from support.waiting import eventually

LogIn = Callable[[str], dict[str, str]]
SORTS = ("featured", "newest", "price_asc", "price_desc", "name")
PATHS = (
    "categories",
    "categories/lighting",
    "products/1",
    *(f"products/{slug}" for slug in (LAMP, STOOL, KETTLE)),
    *(f"products?page={page}&limit=10&sort={sort}" for page in range(1, 8) for sort in SORTS),
    *(f"products?category={category}" for category in ("lighting", "kitchen", "furniture")),
    "products?featured=true&limit=3",
)
SEARCHES = ("?q=halo", "?q=oak", "?q=coffee", "?q=a&limit=5&page=2", "/suggest?q=ha", "/popular")


@pytest.fixture
def fill(client: FlaskClient, redis: Redis) -> Callable[[], dict[bytes, Any]]:
    """Asks for many answers; returns those that are cached, by their names in Redis."""

    def filled() -> dict[bytes, Any]:
        for path in [*(f"/api/catalog/{path}" for path in PATHS), *(f"/api/search{words}" for words in SEARCHES)]:
            assert client.get(path).status_code == 200
        names = list(_names(redis))
        bodies = dict(zip(names, redis.mget(names), strict=True))
        return {name: orjson.loads(body)["data"] for name, body in bodies.items() if body is not None}

    return filled


def _names(redis: Redis) -> set[bytes]:
    """What all cached answers are called."""
    return {bytes(name) for name in redis.scan_iter("response:*", count=1000)}


def _showing(answers: dict[bytes, Any], *slugs: str) -> set[bytes]:
    """The names of the answers that show one of the products with its stock."""
    return {
        name
        for name, data in answers.items()
        for shown in (data.get("items", [data]) if isinstance(data, dict) else [])
        if "stock" in shown and shown["slug"] in slugs
    }


def test_order_and_cancel_throw_out_the_answers_that_show_their_products(
    client: FlaskClient, log_in: LogIn, redis: Redis, fill: Callable[[], dict[bytes, Any]]
) -> None:
    header, admin = log_in("ada"), log_in("admin")
    before = fill()
    first = place(client, header, {LAMP: 1, STOOL: 2}).get_json()["data"]["id"]
    thrown_out = set(before) - _names(redis)
    assert thrown_out == _showing(before, LAMP, STOOL)
    assert 10 < len(thrown_out) < len(before) - 10
    second = place(client, header, {KETTLE: 1}).get_json()["data"]["id"]
    before = fill()
    assert client.post(f"/api/orders/{first}/cancel", headers=header).status_code == 200
    assert set(before) - _names(redis) == _showing(before, LAMP, STOOL)
    before = fill()
    path, status = f"/api/orders/{second}/status", {"status": "cancelled"}
    assert client.patch(path, json=status, headers=admin).status_code == 200
    assert set(before) - _names(redis) == _showing(before, KETTLE)


def test_what_changes_no_stock_throws_out_nothing(
    client: FlaskClient,
    log_in: LogIn,
    redis: Redis,
    fill: Callable[[], dict[bytes, Any]],
    seeded_settings: Settings,
) -> None:
    header, admin = log_in("ada"), log_in("admin")
    order = place(client, header, {LAMP: 1}).get_json()["data"]["id"]
    client.get("/api/auth/me", headers=admin)
    before = fill()
    stock = change_product(seeded_settings.database_url, STOOL, stock=0)
    statuses = [
        place(client, header, {LAMP: 1, STOOL: 1}).status_code,
        place(client, header, {LAMP: 1}, key="a key with spaces").status_code,
        client.patch(f"/api/orders/{order}/status", json={"status": "paid"}, headers=admin).status_code,
        client.patch(f"/api/orders/{order}/status", json={"status": "delivered"}, headers=admin).status_code,
        client.get("/api/orders", headers=header).status_code,
        client.get("/api/orders/admin/stats", headers=admin).status_code,
    ]
    change_product(seeded_settings.database_url, STOOL, **stock)
    assert statuses == [409, 400, 200, 409, 200, 200]
    assert set(before) - _names(redis) == set()


def test_repeat_throws_out_what_its_first_could_not(
    client: FlaskClient, log_in: LogIn, fill: Callable[[], dict[bytes, Any]], redis: Redis
) -> None:
    """The process that made the order may have ended before it threw anything out."""
    header, key = log_in("ada"), secrets.token_hex(8)
    place(client, header, {LAMP: 1}, key)
    before = fill()
    assert place(client, header, {LAMP: 1}, key).headers["Idempotency-Replayed"] == "true"
    assert set(before) - _names(redis) == _showing(before, LAMP)


def test_other_processes_keep_what_an_order_did_not_touch(
    client: FlaskClient, log_in: LogIn, open_hot_app: Callable[..., Flask]
) -> None:
    other = open_hot_app()
    asked, kept = other.test_client(), shop_of(other).hot
    lines = {slug: ("GET", f"/api/catalog/products/{slug}", "") for slug in (LAMP, KETTLE)}
    for slug in lines:
        for _twice in range(2):
            stock = product(asked, LAMP)["stock"]
            product(asked, slug)
    untouched = kept.get(lines[KETTLE])
    assert untouched is not None
    assert kept.get(lines[LAMP]) is not None
    place(client, log_in("ada"), {LAMP: 1})
    eventually(lambda: product(asked, LAMP)["stock"] == stock - 1)
    assert kept.get(lines[KETTLE]) is untouched
