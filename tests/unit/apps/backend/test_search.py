"""The search over HTTP on a real PostgreSQL: what it finds in which order by which index, and what is popular."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from backend import schema
from backend.services.shop import Shop
from backend.terms import SearchTerms
from backend.views.common import shop_of
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import event, text
from support.servers import free_port

OpenApp = Callable[..., Flask]
# What means something to a tsquery, to LIKE, to SQL and to the parser of texts, mixed with letters.
HOSTILE = st.text(alphabet="ab éßİ日'\"\\:*&|!()<>-_%;/@.,or\t\u200d\u0301²1", min_size=1, max_size=40)
MANY = """
INSERT INTO categories (slug, name) VALUES ('all', 'All');
INSERT INTO products (sku, slug, name, description, price, stock, category_id)
  SELECT 'S-' || n, 's-' || n, 'Thing ' || md5(n::text), 'Made of ' || md5((n + 1)::text), 1, 1, id
  FROM categories, generate_series(1, 4000) AS n;
ANALYZE
"""


@pytest.fixture
def app(open_app: OpenApp) -> Flask:
    return open_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def shop(app: Flask) -> Shop:
    return shop_of(app)


def _found(client: FlaskClient, typed: str, **more: str) -> list[dict[str, Any]]:
    answer = client.get("/api/search", query_string={"q": typed, "limit": "100", **more})
    assert answer.status_code == 200, answer.text
    page = answer.get_json()["data"]
    assert page["total"] == len(page["items"])
    items: list[dict[str, Any]] = page["items"]
    return items


def _slugs(client: FlaskClient, typed: str, **more: str) -> list[str]:
    return [item["slug"] for item in _found(client, typed, **more)]


def _suggested(client: FlaskClient, typed: str) -> list[str]:
    answer = client.get("/api/search/suggest", query_string={"q": typed})
    assert answer.status_code == 200, answer.text
    names: list[str] = answer.get_json()["data"]
    return names


def _popular(client: FlaskClient, shop: Shop) -> list[str]:
    shop.cache.clear()
    names: list[str] = client.get("/api/search/popular").get_json()["data"]
    return names


def test_name_comes_before_description_and_that_before_category(client: FlaskClient) -> None:
    def place(item: dict[str, Any]) -> int:
        return next((n for n, name in enumerate(("name", "description")) if "kitchen" in item[name].lower()), 2)

    places = [place(item) for item in _found(client, "Kitchen")]
    assert places == sorted(places)
    assert set(places) == {0, 1, 2}


def test_category_finds_what_is_below_it(client: FlaskClient) -> None:
    below = client.get("/api/catalog/products?category=kitchen-table&limit=100").get_json()["data"]["items"]
    assert {item["slug"] for item in below} <= set(_slugs(client, "kitchen"))


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("lamps", "halo-paper-lamp"),
        ("the halo lamp", "halo-paper-lamp"),
        ("lamp halo", "halo-paper-lamp"),
        ("halo pap", "halo-paper-lamp"),
        ("HALO", "halo-paper-lamp"),
        ('"paper lamp"', "halo-paper-lamp"),
        ("pour-over", "morrow-pour-over-coffee-kettle"),
        ("COF-1001", "morrow-pour-over-coffee-kettle"),
        ("nothingness or gooseneck", "morrow-pour-over-coffee-kettle"),
    ],
)
def test_product_is_found_by(client: FlaskClient, typed: str, slug: str) -> None:
    assert _slugs(client, typed)[0] == slug


@pytest.mark.parametrize("typed", ["halo -paper", '"lamp paper"', "halo nothingness", "pape lamp", "alo"])
def test_product_is_not_found_by(client: FlaskClient, typed: str) -> None:
    assert "halo-paper-lamp" not in _slugs(client, typed)


def test_whole_word_comes_before_its_beginning(shop: Shop, client: FlaskClient) -> None:
    _rename(shop, "halo-paper-lamp", "Halo teak lamp")
    try:
        names = [item["name"].lower() for item in _found(client, "tea")]
    finally:
        _rename(shop, "halo-paper-lamp", "Halo paper lamp")
    whole = ["tea" in name.split() for name in names]
    assert (whole[0], "halo teak lamp" in names) == (True, True)
    assert names.index("halo teak lamp") > whole.index(True)


def test_search_follows_a_changed_name(shop: Shop, client: FlaskClient) -> None:
    _rename(shop, "halo-paper-lamp", "Corona paper lantern")
    try:
        assert (_slugs(client, "corona"), _slugs(client, "halo")) == (["halo-paper-lamp"], [])
    finally:
        _rename(shop, "halo-paper-lamp", "Halo paper lamp")


def test_hits_are_sorted_and_filtered_as_asked(client: FlaskClient) -> None:
    items = _found(client, "kitchen", sort="price_desc", min_price="20", in_stock="true")
    prices = [float(item["price"]) for item in items]
    assert (prices, len(prices) > 1) == (sorted(prices, reverse=True), True)
    assert min(prices) >= 20
    lighting = _found(client, "lamp", category="lighting")
    assert {item["category"]["slug"] for item in lighting} == {"lighting"}


def test_pages_hold_every_hit_once(client: FlaskClient) -> None:
    paths = [f"/api/search?q=kitchen&limit=7&page={page}" for page in (1, 2, 3, 4)]
    pages = [client.get(path).get_json()["data"] for path in paths]
    slugs = [item["slug"] for page in pages for item in page["items"]]
    assert slugs == _slugs(client, "kitchen")
    assert pages[0]["pages"] == -(-len(slugs) // 7)


def test_relevance_is_no_order_of_the_catalogue(client: FlaskClient) -> None:
    assert client.get("/api/search?q=lamp&sort=relevance").status_code == 200
    answer = client.get("/api/catalog/products?sort=relevance")
    assert (answer.status_code, list(answer.get_json()["error"]["fields"])) == (400, ["sort"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=HOSTILE)
def test_no_input_makes_a_query_fail(client: FlaskClient, typed: str) -> None:
    for path in ("/api/search", "/api/search/suggest"):
        answer = client.get(path, query_string={"q": typed})
        assert answer.status_code == (200 if typed.strip() else 400), (typed, answer.text)


@pytest.mark.parametrize(
    "typed", ["'", "a" * 100, "a " * 50, "-" * 100, '"', "!!(", ":*", "a:*", "\u00ad", "<->", "\\"]
)
def test_odd_input_finds_what_it_says_or_nothing(client: FlaskClient, typed: str) -> None:
    assert len(_found(client, typed)) < 64
    assert len(_suggested(client, typed)) <= 8


@pytest.mark.parametrize(("typed", "first"), [("hal", "Halo paper lamp"), ("paper la", "Halo paper lamp")])
def test_suggestions_hold_the_words_and_the_beginning_of_the_last(client: FlaskClient, typed: str, first: str) -> None:
    assert _suggested(client, typed)[0] == first


def test_suggestions_are_of_names_only(client: FlaskClient) -> None:
    assert _found(client, "gooseneck")
    assert _suggested(client, "gooseneck") == _suggested(client, "cof-1001") == _suggested(client, "%") == []


def test_search_and_suggestions_go_by_the_index(
    open_app: OpenApp, new_database: Callable[[], AbstractContextManager[str]]
) -> None:
    with new_database() as url:
        schema.migrate(url)
        app = open_app(database_url=url)
        engine = shop_of(app).database.reader
        with engine.connect() as connection:
            for statement in MANY.split(";\n"):
                connection.execute(text(statement))
        sent: list[tuple[str, Any]] = []
        event.listen(engine, "before_cursor_execute", lambda *call: sent.append((call[2], call[3])))
        [name] = _suggested(app.test_client(), "c4ca4238a0b923820dcc509a6f75849b")
        assert [item["name"] for item in _found(app.test_client(), name)] == [name]
        searches = [call for call in sent if "tsquery" in call[0]]
        with engine.connect() as connection:
            plans = [_plan(connection, *call) for call in searches]
    assert [plan.count("products_search") for plan in plans] == [1, 1, 1], plans


def test_popular_are_the_terms_searched_for_most_then_the_names_sold_most(client: FlaskClient, shop: Shop) -> None:
    sold = _popular(client, shop)
    for typed in ("lamp", "wool", "Wool", "Lamp", "lamp", "mug"):
        shop.cache.clear()
        assert _found(client, typed)
    assert _popular(client, shop) == ["lamp", "wool", "mug", *sold[:7]]


def test_cached_search_is_counted_once(client: FlaskClient, redis: Redis) -> None:
    for _unused in range(5):
        client.get("/api/search?q=lamp")
    before = redis.zscore("search:terms", "lamp")
    redis.delete("search:terms")
    redis.delete(*redis.keys("response:*"))
    client.get("/api/search?q=lamp")
    assert before == pytest.approx(redis.zscore("search:terms", "lamp"))


@pytest.mark.parametrize(
    "query",
    [
        "q=nothingness",
        "q=lam",
        "q=tableware",
        "q=ada@example.com+lamp",
        "q=lamp+-nothingness",
        "q=lamp+or+nothingness",
        "q=%22paper+lamp%22",
        "q=lamp&page=2",
        "q=lamp&min_price=1",
        "q=lamp&sort=price_asc",
    ],
)
def test_search_that_is_not_counted(client: FlaskClient, redis: Redis, query: str) -> None:
    assert client.get(f"/api/search?{query}").status_code == 200
    assert redis.zrange("search:terms", 0, -1) == []


def test_terms_are_bounded_and_keep_what_is_frequent(shop: Shop, redis: Redis) -> None:
    for number in range(1500):
        shop.terms.count("lamp" if number % 3 == 0 else f"word {number}")
    assert redis.zcard("search:terms") == 500
    assert shop.terms.top(1) == ["lamp"]


def test_what_was_searched_for_long_ago_fades(shop: Shop, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    day = 24 * 3600.0
    for days, term, times in ((0, "sledge", 5), (100, "sandal", 2)):
        monkeypatch.setattr("backend.terms.time.time", lambda days=days: 1_800_000_000 + days * day)
        for _unused in range(times):
            shop.terms.count(term)
    assert shop.terms.top(5) == ["sandal", "sledge"]


def test_without_redis_nothing_is_counted_and_names_are_popular(open_app: OpenApp, client: FlaskClient) -> None:
    app = open_app(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    terms_there: SearchTerms = shop_of(app).terms
    terms_there.count("lamp")
    assert terms_there.top(3) == []
    known = client.get("/api/search/popular").get_json()["data"]
    assert app.test_client().get("/api/search/popular").get_json()["data"] == known


def _rename(shop: Shop, slug: str, name: str) -> None:
    with shop.database.writer.begin() as connection:
        connection.execute(text("UPDATE products SET name = :name WHERE slug = :slug"), {"slug": slug, "name": name})
    shop.cache.clear()


def _plan(connection: Any, statement: str, parameters: Any) -> str:
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
