"""How often a page asks the backend, and how long it waits for that."""

from __future__ import annotations

from flask.testing import FlaskClient
from support.fake_shop_api import FakeShopApi
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
