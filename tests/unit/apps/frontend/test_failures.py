"""A backend that fails in every way still gives a friendly page; a stranger's rubbish never gives a 5xx."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from support.fake_shop_api import CATEGORIES, FakeShopApi, Reply
from support.pages import read_page
from support.servers import free_port
from support.waiting import eventually

MakeApp = Callable[..., Flask]
WRONG_SHAPES: tuple[object, ...] = (
    {},
    [],
    None,
    {"data": None},
    {"data": {"items": 3}},
    {"data": {"items": [{"id": 1}]}},
    {"data": {"items": [None]}},
    {"data": {"items": [{"id": 1, "slug": "a", "name": "b", "price": "free", "stock": 1}]}},
)


@pytest.mark.parametrize(("answered", "shown"), [(500, 502), (501, 502), (502, 502), (503, 503), (504, 504)])
def test_failing_backend_gives_a_friendly_page(
    client: FlaskClient, api: FakeShopApi, answered: int, shown: int
) -> None:
    api.fail("/api/catalog/products", answered)
    response = client.get("/products")
    page = read_page(response.text)
    assert response.status_code == shown
    assert page.one("p", class_="status").text == str(shown)
    assert "Traceback" not in response.text
    assert response.headers.get("Retry-After") == ("5" if shown == 503 else None)


@pytest.mark.parametrize("body", WRONG_SHAPES)
def test_answer_of_another_shape_is_a_bad_gateway(client: FlaskClient, api: FakeShopApi, body: object) -> None:
    api.replies["/api/catalog/products"] = lambda call: Reply(200, body)
    assert client.get("/products").status_code == 502


@pytest.mark.parametrize("body", [{}, {"error": None}, {"error": {}}, [], "no", {"error": {"code": 1, "fields": 3}}])
def test_refusal_of_another_shape_is_a_bad_gateway(client: FlaskClient, api: FakeShopApi, body: object) -> None:
    api.replies["/api/catalog/products"] = lambda call: Reply(400, body)
    assert client.get("/products").status_code == 502


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff{}",
    ],
)
def test_answer_that_is_no_http_is_no_stack_trace(client: FlaskClient, api: FakeShopApi, raw: bytes) -> None:
    api.replies["/api/catalog/products"] = lambda call: Reply(raw=raw)
    assert client.get("/products").status_code in (502, 503)
    del api.replies["/api/catalog/products"]
    assert client.get("/products").status_code == 200


def test_backend_that_is_not_there_gives_503(make_app: MakeApp) -> None:
    client = make_app(internal_api_url=f"http://127.0.0.1:{free_port()}").test_client()
    assert client.get("/").status_code == 503


def test_slow_backend_gives_504_in_time(make_app: MakeApp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = make_app(internal_api_url=url, read_timeout_seconds=0.2).test_client()
        assert client.get("/").status_code == 504


def test_silent_backend_is_left_alone_and_tried_again(make_app: MakeApp, api: FakeShopApi) -> None:
    """So that it does not hold every thread for its time-out."""
    released = threading.Event()

    def silent(call: object) -> Reply:
        released.wait(20)
        return Reply(500)

    client = make_app(read_timeout_seconds=0.2).test_client()
    api.replies |= dict.fromkeys(["/api/catalog/products", "/api/catalog/categories", "/api/search/popular"], silent)

    def left_alone() -> bool:
        asked = len(api.calls)
        refused = client.get("/products")
        return (refused.status_code, refused.headers.get("Retry-After"), len(api.calls)) == (503, "5", asked)

    assert client.get("/products").status_code == 504
    eventually(left_alone)
    released.set()
    api.replies.clear()
    eventually(lambda: client.get("/products").status_code == 200)


def test_connection_that_the_backend_closed_is_replaced(client: FlaskClient, api: FakeShopApi) -> None:
    for _unused in range(3):
        assert client.get("/products/mug-1").status_code == 200
        api.hang_up()
    assert api.connections == 3


def test_login_is_never_sent_twice(client: FlaskClient, api: FakeShopApi) -> None:
    form = read_page(client.get("/auth/login").text).form("/auth/login")
    client.get("/products")
    api.replies["/api/auth/login"] = lambda call: Reply(raw=b"")
    client.post("/auth/login", data=form | {"email": "a@example.com", "password": "p"})
    assert api.paths().count("/api/auth/login") == 1


def test_read_is_sent_again_once_when_a_kept_connection_breaks(client: FlaskClient, api: FakeShopApi) -> None:
    client.get("/products")
    api.calls.clear()
    api.replies["/api/catalog/products"] = lambda call: Reply(raw=b"")
    assert client.get("/products").status_code == 503
    assert len(api.calls) == 2


def test_pages_recover_when_the_backend_does(client: FlaskClient, api: FakeShopApi) -> None:
    api.fail("/api/catalog/categories", 500)
    assert client.get("/categories").status_code == 502
    del api.replies["/api/catalog/categories"]
    page = read_page(client.get("/categories").text)
    assert [item.one("h2").text for item in page.one("ul", class_="tree").all("li") if item.all("h2")] == [
        category["name"] for category in CATEGORIES
    ]


def test_form_too_large_is_refused(client: FlaskClient) -> None:
    assert client.post("/cart", data={"slug": "x" * 70_000}).status_code == 413


def test_wrong_method_gets_a_page_and_says_which(client: FlaskClient) -> None:
    response = client.put("/products")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


_TEXT = some.text(max_size=60)
_PATHS = some.one_of(
    some.sampled_from(["/", "/products", "/search", "/categories/mugs", "/cart", "/auth/login", "/checkout"]),
    some.builds(
        lambda kind, tail: f"/{kind}/{quote(tail)}", some.sampled_from(["products", "categories", "orders"]), _TEXT
    ),
)
_NAMES = some.sampled_from(["q", "page", "sort", "min_price", "max_price", "next", "slug"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=_PATHS, query=some.dictionaries(_NAMES, _TEXT), cookie=some.text("abc.-_=%", max_size=40))
def test_rubbish_is_never_a_server_error(client: FlaskClient, path: str, query: dict[str, str], cookie: str) -> None:
    client.set_cookie("shop", cookie)
    assert client.get(path, query_string=query).status_code < 500
    assert client.post(path, data=query).status_code < 500


def test_bad_bytes_in_an_address_are_no_server_error(client: FlaskClient) -> None:
    for address in (
        "/orders/a%0d%0ab",
        "/search?q=%ff%fe",
        "/search?q=%ed%a0%80",
        "/products/%00",
        "/products?min_price=%00",
        "/search?%",
    ):
        assert client.get(address).status_code < 500


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=some.sampled_from(["/search", "/products", "/auth/login"]), name=_NAMES, value=some.binary(max_size=60))
def test_raw_bytes_of_a_query_are_no_server_error(client: FlaskClient, path: str, name: str, value: bytes) -> None:
    query = f"{name}=".encode() + value
    assert client.get(path, environ_overrides={"QUERY_STRING": query.decode("latin-1")}).status_code < 500


def test_time_out_of_one_call_leaves_the_next_alone(make_app: MakeApp, api: FakeShopApi) -> None:
    client = make_app(read_timeout_seconds=0.3).test_client()
    released = threading.Event()

    def answer(call: object) -> Reply:
        released.wait(10)
        return Reply(500)

    api.replies["/api/catalog/products"] = answer
    assert client.get("/products").status_code == 504
    released.set()
    del api.replies["/api/catalog/products"]
    assert client.get("/products").status_code == 200
