"""Orders over HTTP: stock, idempotency, cancelling, roles."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from backend.settings import Settings
from flask import Flask
from flask.testing import FlaskClient
from support.orders import ADDRESS, KETTLE, LAMP, STOOL, change_product, place, product

LogIn = Callable[[str], dict[str, str]]


def test_order_takes_stock_and_every_page_shows_it(client: FlaskClient, log_in: LogIn) -> None:
    header = log_in("ada")
    listed = "/api/catalog/products?category=lighting"
    searched = "/api/search?q=halo"
    before = product(client, LAMP)
    client.get(listed)
    client.get(searched)
    answer = place(client, header, {LAMP: 2, STOOL: 1})
    assert answer.status_code == 201
    order = answer.get_json()["data"]
    assert (order["status"], order["total"]) == ("pending", "209.00")
    assert order["shipping_address"] == ADDRESS | {"country": "GB"}
    assert product(client, LAMP)["stock"] == before["stock"] - 2
    for path in (listed, searched):
        items = client.get(path).get_json()["data"]["items"]
        assert next(item["stock"] for item in items if item["slug"] == LAMP) == before["stock"] - 2
    assert client.get(f"/api/orders/{order['id']}", headers=header).get_json()["data"] == order
    assert client.get("/api/orders", headers=header).get_json()["data"]["items"][0] == order


def test_other_products_pages_stay_cached(client: FlaskClient, log_in: LogIn) -> None:
    header = log_in("ada")
    product(client, KETTLE)
    place(client, header, {LAMP: 1})
    assert client.get(f"/api/catalog/products/{KETTLE}").headers["X-Cache"] == "hit"


def test_repeated_order_is_made_once(client: FlaskClient, log_in: LogIn) -> None:
    header, key = log_in("ada"), secrets.token_hex(8)
    first = place(client, header, {LAMP: 1}, key)
    stock = product(client, LAMP)["stock"]
    second = place(client, header, {LAMP: 1}, key)
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (201, "true")
    assert second.get_json() == first.get_json()
    assert product(client, LAMP)["stock"] == stock


def test_key_of_another_checkout_is_refused(client: FlaskClient, log_in: LogIn) -> None:
    header, key = log_in("ada"), secrets.token_hex(8)
    place(client, header, {LAMP: 1}, key)
    assert place(client, header, {LAMP: 2}, key).status_code == 422
    assert place(client, log_in("bob"), {LAMP: 2}, key).status_code == 201


def test_same_key_at_the_same_time_makes_one_order(open_app: Callable[..., Flask], log_in: LogIn) -> None:
    app, header, key = open_app(), log_in("ada"), secrets.token_hex(8)
    stock = product(app.test_client(), STOOL)["stock"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _unused: place(app.test_client(), header, {STOOL: 1}, key), range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_json()["data"]["id"] for answer in answers}) == 1
    assert product(app.test_client(), STOOL)["stock"] == stock - 1


def test_stock_is_never_sold_twice(open_app: Callable[..., Flask], log_in: LogIn, seeded_settings: Settings) -> None:
    app, header = open_app(), log_in("bob")
    change_product(seeded_settings.database_url, KETTLE, stock=5)
    change_product(seeded_settings.database_url, LAMP, stock=1000)

    def buy(number: int) -> int:
        order = [KETTLE, LAMP] if number % 2 else [LAMP, KETTLE]
        return place(app.test_client(), header, dict.fromkeys(order, 1)).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(buy, range(16)))
    assert sorted(statuses) == [201] * 5 + [409] * 11
    assert product(app.test_client(), KETTLE)["stock"] == 0
    assert product(app.test_client(), LAMP)["stock"] == 995
    change_product(seeded_settings.database_url, KETTLE, stock=1000)


def test_order_that_fails_takes_nothing_and_frees_its_key(
    client: FlaskClient, log_in: LogIn, seeded_settings: Settings
) -> None:
    header, key = log_in("ada"), secrets.token_hex(8)
    change_product(seeded_settings.database_url, STOOL, stock=0)
    before = product(client, LAMP)["stock"]
    refused = place(client, header, {LAMP: 1, STOOL: 1}, key)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "out_of_stock")
    assert product(client, LAMP)["stock"] == before
    change_product(seeded_settings.database_url, STOOL, stock=10)
    assert place(client, header, {LAMP: 1, STOOL: 1}, key).status_code == 201


def test_cancelled_order_gives_its_stock_back_once(client: FlaskClient, log_in: LogIn) -> None:
    header = log_in("ada")
    before = product(client, LAMP)["stock"]
    order = place(client, header, {LAMP: 3}).get_json()["data"]
    cancelled = client.post(f"/api/orders/{order['id']}/cancel", headers=header)
    assert cancelled.get_json()["data"]["status"] == "cancelled"
    again = client.post(f"/api/orders/{order['id']}/cancel", headers=header)
    assert (again.status_code, again.get_json()["error"]["code"]) == (409, "wrong_status")
    assert product(client, LAMP)["stock"] == before


def test_orders_are_their_owners(client: FlaskClient, log_in: LogIn) -> None:
    order = place(client, log_in("ada"), {LAMP: 1}).get_json()["data"]["id"]
    stranger = log_in("bob")
    assert client.get(f"/api/orders/{order}", headers=stranger).status_code == 404
    assert client.post(f"/api/orders/{order}/cancel", headers=stranger).status_code == 404
    assert order not in [item["id"] for item in client.get("/api/orders", headers=stranger).get_json()["data"]["items"]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": []}, "items"),
        ({"items": None}, "items"),
        ({"items": [5]}, "items"),
        ({"items": [{"product_id": 1, "quantity": 0}]}, "quantity"),
        ({"items": [{"product_id": 1, "quantity": True}]}, "quantity"),
        ({"items": [{"product_id": "1", "quantity": 1}]}, "product_id"),
        ({"items": [{"product_id": 10**20, "quantity": 1}]}, "product_id"),
        ({"items": [{"product_id": 10**17, "quantity": 1}]}, "items"),
        ({"shipping_address": None}, "shipping_address"),
        ({"shipping_address": ADDRESS | {"country": "Germany"}}, "country"),
        ({"shipping_address": ADDRESS | {"city": "a\0b"}}, "city"),
    ],
)
def test_wrong_order_names_its_field(client: FlaskClient, log_in: LogIn, changes: dict[str, Any], field: str) -> None:
    body = {"items": [{"product_id": 1, "quantity": 1}], "shipping_address": ADDRESS} | changes
    answer = client.post("/api/orders", json=body, headers=log_in("ada"))
    assert answer.status_code == 400
    assert list(answer.get_json()["error"]["fields"]) == [field]
