"""What is made of the backend's answers once, and that nothing of a visitor or of yesterday is in it."""

from __future__ import annotations

import re
import tracemalloc
from functools import partial

import orjson
import pytest
from benchmarks.apps_page import frame_of
from benchmarks.served import plain_page
from flask import Flask
from flask.testing import FlaskClient
from frontend.memory import AnswerMemory
from frontend.models import Page, Product, parse_page, parse_product
from support.fake_shop_api import FakeShopApi, make_product
from support.pages import read_page

_LIMIT_BYTES = 400_000
parse_products = parse_page(parse_product)


def answer(number: int) -> bytes:
    """A list of 24 products, another for each number."""
    items = [make_product(number * 100 + item) for item in range(24)]
    return orjson.dumps({"data": {"items": items}})


def read(body: bytes) -> Page[Product]:
    return parse_products(orjson.loads(body)["data"])


def test_the_same_answer_is_made_once_and_what_was_used_least_goes_first() -> None:
    memory, made = AnswerMemory[None](3 * 6), list[bytes]()
    for body in (b"a", b"b", b"c", b"a", b"d", b"a", b"c", b"d", b"b"):
        memory.made_of(body, partial(made.append, body))
    assert made == [b"a", b"b", b"c", b"d", b"b"]


def test_without_memory_everything_is_made_anew() -> None:
    memory, made = AnswerMemory[None](0), list[bytes]()
    for body in (b"a", b"a"):
        memory.made_of(body, partial(made.append, body))
    assert made == [b"a", b"a"]


def test_what_fails_is_not_remembered() -> None:
    memory = AnswerMemory[int](_LIMIT_BYTES)
    with pytest.raises(ZeroDivisionError):
        memory.made_of(b"a", lambda: 1 // 0)
    assert memory.made_of(b"a", lambda: 1) == 1


def test_memory_stays_within_its_bytes_with_the_html(make_app) -> None:  # type: ignore[no-untyped-def]
    draw, memory = make_app().jinja_env.globals["cards"], AnswerMemory[Page[Product]](_LIMIT_BYTES)
    answers = [answer(number) for number in range(60)]
    for body in answers:  # what remembers addresses of pictures has then seen them all
        draw(read(body))
    tracemalloc.start()
    for body in answers:
        draw(memory.made_of(body, partial(read, body)))
    taken_bytes, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert _LIMIT_BYTES / 2 < taken_bytes < _LIMIT_BYTES * 1.1


def test_changed_answer_is_seen_at_once(client: FlaskClient, api: FakeShopApi) -> None:
    assert "Sold out" not in client.get("/products").text
    api.products[0] = make_product(1, stock=0, name="Mug <No. 1>")
    page = read_page(client.get("/products").text)
    assert page.all("p", class_="badge out")[0].text == "Sold out"
    assert page.all("span", class_="name")[0].text == "Mug <No. 1>"


def test_visitors_share_the_cards_and_nothing_else(make_app) -> None:  # type: ignore[no-untyped-def]
    app: Flask = make_app()
    one, other = app.test_client(), app.test_client()
    token = re.search(r'name="form_token" value="([^"]+)"', one.get("/products/mug-3").text)
    assert token
    one.post("/cart", data={"slug": "mug-3", "quantity": "2", "form_token": token[1]})
    with one.session_transaction() as session:
        session["until"], session["user"], session["token"] = 2**40, ["ada@example.com", "Ada"], "secret"
    pages = [client.get("/products").text for client in (one, other)]
    assert [read_page(page).one("a", class_="cart").text for page in pages] == ["Cart 2 pieces", "Cart 0 pieces"]
    assert ["Sign in" in page for page in pages] == [False, True]
    cards = [page.partition(plain_page.FIRST)[2].partition(plain_page.LAST)[0] for page in pages]
    assert cards[0] == cards[1]
    assert "card" in cards[0]


def test_cards_of_a_list_are_drawn_once(make_app) -> None:  # type: ignore[no-untyped-def]
    draw, found = make_app().jinja_env.globals["cards"], read(answer(1))
    assert draw(found) is draw(found)


def test_the_benchmarks_plain_page_says_what_the_storefronts_does(  # type: ignore[no-untyped-def]
    make_app, api: FakeShopApi, tmp_path
) -> None:
    page = make_app().test_client().get("/products").text
    (tmp_path / "frame.json").write_bytes(orjson.dumps(frame_of(page) | {"headers": {}}))
    environ = {"BENCHMARK_FRAME": str(tmp_path / "frame.json"), "BENCHMARK_BACKEND": api.url.rpartition(":")[2]}
    app = plain_page.make(environ)
    plain = app.test_client().get(plain_page.PATH).text
    app.extensions["kept"].connection.close()
    assert plain.splitlines() == page.splitlines(), "bring tests/benchmarks/served/plain_page.py up to the cards"
