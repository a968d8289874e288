"""The catalogue and the search over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from backend.views.common import shop_of
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import text

PRODUCT_FIELDS = {
    "id",
    "sku",
    "slug",
    "name",
    "description",
    "price",
    "compare_at_price",
    "stock",
    "status",
    "featured",
    "category",
    "image_url",
    "currency",
}
ADDRESS = {"name": "Ada", "street": "Hauptstr. 1", "city": "Ulm", "postal_code": "89073", "country": "DE"}


def _data(client: FlaskClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    body = answer.get_json()
    assert body["success"] is True
    return body["data"]


def test_categories_are_a_tree_of_two_levels(client: FlaskClient) -> None:
    tree = _data(client, "/api/catalog/categories")
    assert len(tree) + sum(len(parent["children"]) for parent in tree) >= 12
    assert all(parent["children"] for parent in tree)
    assert set(tree[0]) == {"id", "slug", "name", "children"}


def test_category_is_found_by_id_and_slug(client: FlaskClient) -> None:
    by_slug = _data(client, "/api/catalog/categories/lighting")
    assert _data(client, f"/api/catalog/categories/{by_slug['id']}") == by_slug
    assert by_slug["parent"] == {"slug": "living", "name": "Living"}


def test_product_has_the_fields_of_the_contract(client: FlaskClient) -> None:
    product = _data(client, "/api/catalog/products/halo-paper-lamp")
    assert set(product) == PRODUCT_FIELDS
    assert (product["price"], product["currency"]) == ("45.00", "EUR")
    assert product["category"] == {"slug": "lighting", "name": "Lighting"}
    assert _data(client, f"/api/catalog/products/{product['id']}") == product


def test_pages_hold_every_product_once(client: FlaskClient) -> None:
    first = _data(client, "/api/catalog/products?limit=25")
    pages = [first, *(_data(client, f"/api/catalog/products?limit=25&page={page}") for page in (2, 3))]
    ids = [item["id"] for page in pages for item in page["items"]]
    assert first["total"] == len(ids) == len(set(ids))
    assert (first["page"], first["limit"], first["pages"]) == (1, 25, 3)
    assert first["total"] >= 60


def test_page_after_the_last_is_empty(client: FlaskClient) -> None:
    page = _data(client, "/api/catalog/products?page=9999")
    assert (page["items"], page["page"]) == ([], 9999)


@pytest.mark.parametrize(
    ("sort", "field", "descending"),
    [("price_asc", "price", False), ("price_desc", "price", True), ("name", "name", False)],
)
def test_products_are_sorted(client: FlaskClient, sort: str, field: str, descending: bool) -> None:
    items = _data(client, f"/api/catalog/products?limit=100&sort={sort}")["items"]
    values = [float(item[field]) if field == "price" else item[field].lower() for item in items]
    assert values == sorted(values, reverse=descending)


def test_products_are_filtered(client: FlaskClient) -> None:
    path = "/api/catalog/products?category=living&min_price=20&max_price=100&featured=true"
    items = _data(client, path)["items"]
    assert items
    assert all(item["featured"] and 20 <= float(item["price"]) <= 100 for item in items)
    inside = {child["slug"] for child in _data(client, "/api/catalog/categories/living")["children"]}
    assert {item["category"]["slug"] for item in items} <= inside


def test_products_are_given_by_their_ids(client: FlaskClient) -> None:
    known = _data(client, "/api/catalog/products?limit=3")["items"]
    wanted = ",".join(str(product["id"]) for product in [*known, known[0]])
    found = _data(client, f"/api/catalog/products?ids={wanted},987654321")
    assert sorted(found["items"], key=lambda product: product["id"]) == sorted(known, key=lambda product: product["id"])
    assert found["total"] == 3


@pytest.mark.parametrize("ids", ["x", "1,", "1,-2", "1;2", "٣", ",".join(["1"] * 101), "9" * 19])
def test_ids_that_are_none_are_refused(client: FlaskClient, ids: str) -> None:
    answer = client.get("/api/catalog/products", query_string={"ids": ids})
    assert answer.status_code == 400
    assert list(answer.get_json()["error"]["fields"]) == ["ids"]


def test_what_is_in_stock_is_told_anew_after_each_order(
    open_app: Callable[..., Flask], log_in: Callable[[str], dict[str, str]]
) -> None:
    app = open_app()
    client, who = app.test_client(), log_in("ada")
    set_stock = "UPDATE products SET stock = {} WHERE slug = 'halo-paper-lamp' RETURNING id"
    with shop_of(app).database.writer.begin() as connection:
        product_id = connection.execute(text(set_stock.format(1))).scalar_one()

    def listed(in_stock: str) -> bool:
        path = f"/api/catalog/products?category=lighting&limit=100&in_stock={in_stock}"
        return product_id in [item["id"] for item in _data(client, path)["items"]]

    assert (listed("true"), listed("false")) == (True, False)
    order = {"items": [{"product_id": product_id, "quantity": 1}], "shipping_address": ADDRESS}
    placed = client.post("/api/orders", json=order, headers=who).get_json()["data"]
    assert (listed("true"), listed("false")) == (False, True)
    assert client.post(f"/api/orders/{placed['id']}/cancel", headers=who).status_code == 200
    assert (listed("true"), listed("false")) == (True, False)
    with shop_of(app).database.writer.begin() as connection:
        connection.execute(text(set_stock.format(1_000_000)))


def test_unknown_category_holds_nothing(client: FlaskClient) -> None:
    assert _data(client, "/api/catalog/products?category=no-such-thing")["total"] == 0


def test_search_finds_names_before_descriptions(client: FlaskClient) -> None:
    items = _data(client, "/api/search?q=LAMP")["items"]
    in_name = ["lamp" in item["name"].lower() for item in items]
    assert in_name[0] is True
    assert in_name == sorted(in_name, reverse=True)


@pytest.mark.parametrize("words", ["%", "_", "\\", "'", '"; DROP TABLE products; --', "ß", "日本", "%F0%9F%8E%81"])
def test_search_takes_any_words_literally(client: FlaskClient, words: str) -> None:
    answer = client.get("/api/search", query_string={"q": words})
    assert answer.status_code == 200
    assert all(
        words.lower() in (item["name"] + item["description"]).lower() for item in answer.get_json()["data"]["items"]
    )


def test_suggestions_begin_with_what_begins_so(client: FlaskClient) -> None:
    names = _data(client, "/api/search/suggest?q=ti")
    assert 0 < len(names) <= 8
    assert names[0].lower().startswith("ti")


def test_popular_is_a_list_of_names(client: FlaskClient) -> None:
    assert len(_data(client, "/api/search/popular")) == 10


@pytest.mark.parametrize(
    ("path", "seconds"),
    [
        ("/api/catalog/categories", 300),
        ("/api/catalog/products?page=2", 60),
        ("/api/catalog/products/halo-paper-lamp", 60),
        ("/api/search?q=lamp", 120),
        ("/api/search/suggest?q=lamp", 300),
        ("/api/search/popular", 600),
    ],
)
def test_second_answer_is_the_first_ones_bytes(client: FlaskClient, redis: Redis, path: str, seconds: int) -> None:
    first, second = client.get(path), client.get(path)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("miss", "hit")
    assert first.data == second.data
    [key] = redis.keys("response:*")
    assert 0 < redis.ttl(key) <= seconds


def test_hit_costs_one_round_trip_to_redis(client: FlaskClient, redis: Redis) -> None:
    client.get("/api/catalog/products")
    before = redis.info("commandstats")
    client.get("/api/catalog/products")
    after = redis.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    assert {name: count for name, count in calls.items() if count and name != "cmdstat_info"} == {"cmdstat_get": 1}


def test_lookups_of_all_processes_are_counted(open_app: Callable[..., Flask]) -> None:
    first, second = open_app().test_client(), open_app().test_client()
    for client in (first, second, second):
        client.get("/api/catalog/categories")
    second_counts = second.get("/metrics/cache").get_json()
    first_counts = first.get("/metrics/cache").get_json()
    assert (second_counts["hits"], second_counts["misses"]) == (2, 0)
    assert (first_counts["hits"], first_counts["misses"], first_counts["total"]) == (2, 1, 3)
    assert first_counts["hitRate"] == pytest.approx(66.67)
