"""How often a page asks the backend, and how long it waits for that."""

from __future__ import annotations

from threading import Barrier, BrokenBarrierError

import pytest
from flask.testing import FlaskClient
from support.fake_shop_api import CATEGORIES, Call, FakeShopApi, Reply
from support.pages import read_page


def fill_cart(client: FlaskClient, slugs: list[str]) -> None:
    for slug in slugs:
        form = read_page(client.get(f"/products/{slug}").text).form("/cart")
        assert client.post("/cart", data=form).status_code == 303


def test_cart_is_one_call_whatever_is_in_it(client: FlaskClient, api: FakeShopApi) -> None:
    fill_cart(client, ["mug-1", "mug-29", "mug-5", "mug-17"])
    api.calls.clear()
    lines = read_page(client.get("/cart").text).one("ul", class_="lines").all("a", class_="name")
    assert [line.text for line in lines] == ["Mug No. 1", "Mug No. 29", "Mug No. 5", "Mug No. 17"]
    assert [(call.path, call.query["ids"]) for call in api.calls] == [("/api/catalog/products", "1,29,5,17")]


def test_what_is_no_longer_sold_leaves_the_cart(client: FlaskClient, api: FakeShopApi) -> None:
    fill_cart(client, ["mug-1", "mug-2"])
    del api.products[0]
    page = read_page(client.get("/cart").text)
    assert [line.text for line in page.one("ul", class_="lines").all("a", class_="name")] == ["Mug No. 2"]
    assert "no longer sold" in page.one("div", role="status").text


@pytest.mark.parametrize("path", ["/", "/products", "/categories/mugs"])
def test_calls_that_do_not_depend_are_made_at_the_same_time(client: FlaskClient, api: FakeShopApi, path: str) -> None:
    """None is answered before all are there: one after the other would wait in vain."""
    together = Barrier(3, timeout=10)
    answers = {
        "/api/catalog/products": {"items": api.products[:3]},
        "/api/catalog/categories": CATEGORIES,
        "/api/search/popular": ["mug"],
    }

    def when_all_are_there(call: Call) -> Reply:
        try:
            together.wait()
        except BrokenBarrierError:
            return Reply(500)
        return Reply(200, {"success": True, "data": answers[call.path]})

    api.replies |= dict.fromkeys(answers, when_all_are_there)
    assert len(read_page(client.get(path).text).all("li", class_="card")) == 3
    assert sorted(api.paths()) == sorted(answers)


@pytest.mark.parametrize("failing", ["/api/catalog/products", "/api/catalog/categories"])
def test_failure_of_one_of_two_calls_is_the_pages(client: FlaskClient, api: FakeShopApi, failing: str) -> None:
    api.fail(failing, 503)
    assert client.get("/").status_code == 503
    del api.replies[failing]
    assert client.get("/").status_code == 200
