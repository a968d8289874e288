"""Orders over HTTP: stock, idempotency, cancelling, roles."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from backend.settings import Settings
from backend.views.common import shop_of
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
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


def test_checkout_is_one_statement(open_app: Callable[..., Flask], log_in: LogIn) -> None:
    app, header, statements = open_app(), log_in("ada"), []
    items = [{"product_id": product(app.test_client(), slug)["id"], "quantity": 1} for slug in (LAMP, STOOL)]
    app.test_client().get("/api/auth/me", headers=header)  # from now on Redis knows whose token this is
    event.listen(shop_of(app).database.reader, "before_cursor_execute", lambda *told: statements.append(told[2]))
    body = {"items": items, "shipping_address": ADDRESS}
    assert app.test_client().post("/api/orders", json=body, headers=header).status_code == 201
    assert len(statements) == 1


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


@pytest.fixture
def changed(seeded_settings: Settings) -> Iterator[Callable[..., None]]:
    """Changes products behind the shop's back, and puts them back."""
    found: dict[str, dict[str, object]] = {}

    def change(slug: str, **columns: object) -> None:
        before = change_product(seeded_settings.database_url, slug, **columns)
        found[slug] = before | found.get(slug, {})

    yield change
    for slug, columns in found.items():
        change_product(seeded_settings.database_url, slug, **columns)


def test_refusal_says_what_is_wrong_with_each_item(
    client: FlaskClient, log_in: LogIn, changed: Callable[..., None]
) -> None:
    lamp, stool, kettle = (product(client, slug) for slug in (LAMP, STOOL, KETTLE))
    items = [{"product_id": item["id"], "quantity": 4, "unit_price": item["price"]} for item in (kettle, lamp, stool)]
    body = {"items": [*items, {"product_id": 10**17, "quantity": 1}], "shipping_address": ADDRESS}
    changed(LAMP, price="123.45")
    changed(STOOL, stock=3)
    changed(KETTLE, status="archived")
    refused = client.post("/api/orders", json=body, headers=log_in("ada"))
    error = refused.get_json()["error"]
    assert (refused.status_code, error["code"]) == (409, "not_on_sale")
    assert error["fields"] == {
        f"items.{kettle['id']}": f"{kettle['name']} is not on sale",
        f"items.{lamp['id']}": f"{lamp['name']} costs 123.45 EUR now",
        f"items.{stool['id']}": f"only 3 of {stool['name']} left",
        f"items.{10**17}": f"product {10**17} is not on sale",
    }
    assert all(problem in error["message"] for problem in error["fields"].values())


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"status": "archived"}, "not_on_sale"),
        ({"status": "draft", "stock": 0}, "not_on_sale"),
        ({"stock": 0, "price": "1.00"}, "out_of_stock"),
        ({"price": "1.00"}, "price_changed"),
    ],
)
def test_product_that_changed_meanwhile_is_refused_and_nothing_is_taken(
    client: FlaskClient, log_in: LogIn, changed: Callable[..., None], columns: dict[str, object], code: str
) -> None:
    header, lamp, stool = log_in("ada"), product(client, LAMP), product(client, STOOL)
    orders = client.get("/api/orders", headers=header).get_json()["data"]["total"]
    items = [{"product_id": item["id"], "quantity": 1, "unit_price": item["price"]} for item in (lamp, stool)]
    changed(LAMP, **columns)
    refused = client.post("/api/orders", json={"items": items, "shipping_address": ADDRESS}, headers=header)
    error = refused.get_json()["error"]
    assert (refused.status_code, error["code"], list(error["fields"])) == (409, code, [f"items.{lamp['id']}"])
    assert product(client, STOOL)["stock"] == stool["stock"]
    assert client.get("/api/orders", headers=header).get_json()["data"]["total"] == orders


def test_price_that_is_told_as_it_is_is_taken(client: FlaskClient, log_in: LogIn) -> None:
    lamp = product(client, LAMP)
    item = {"product_id": lamp["id"], "quantity": 2, "unit_price": lamp["price"]}
    header, key = log_in("ada"), {"Idempotency-Key": secrets.token_hex(8)}
    body: dict[str, Any] = {"items": [item], "shipping_address": ADDRESS}
    made = client.post("/api/orders", json=body, headers=header | key)
    assert (made.status_code, made.get_json()["data"]["items"][0]["unit_price"]) == (201, lamp["price"])
    del item["unit_price"]
    assert client.post("/api/orders", json=body, headers=header | key).status_code == 422
    body["items"] = [{**item, "unit_price": price} for price in (lamp["price"], "1")]
    refused = client.post("/api/orders", json=body, headers=header)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "price_changed")


def test_repeat_finds_its_order_when_the_product_is_gone(
    client: FlaskClient, log_in: LogIn, changed: Callable[..., None]
) -> None:
    header, key = log_in("ada"), secrets.token_hex(8)
    first = place(client, header, {STOOL: 1}, key)
    again = {"items": [{"product_id": first.get_json()["data"]["items"][0]["product"]["id"], "quantity": 1}]}
    for columns in ({"stock": 0}, {"status": "archived"}):
        changed(STOOL, **columns)
        body = again | {"shipping_address": ADDRESS}
        repeated = client.post("/api/orders", json=body, headers=header | {"Idempotency-Key": key})
        assert (repeated.status_code, repeated.data) == (201, first.data)


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
        ({"items": [{"product_id": 1, "quantity": 1, "unit_price": 5}]}, "unit_price"),
        ({"items": [{"product_id": 1, "quantity": 1, "unit_price": "x"}]}, "unit_price"),
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
