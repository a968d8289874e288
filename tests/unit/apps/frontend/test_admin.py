"""The pages of those who run the shop: figures, chart, everyone's orders, and that nobody else sees them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from support.fake_shop_api import ADMIN_EMAIL, PASSWORD, SALES, FakeShopApi
from support.pages import read_page
from support.visits import page_of, send

PATHS = ("/admin", "/admin/orders", "/admin/orders?status=paid")
ORDER = {
    "id": 1,
    "number": "00000001",
    "status": "pending",
    "total": "24.80",
    "created_at": "2026-11-22T10:00:00+00:00",
    "email": "<b>ada</b>@example.com",
    "items": [{"product": {"slug": "mug-1", "name": "Mug"}, "quantity": 2, "unit_price": "12.40"}],
}


@pytest.fixture
def admin(client: FlaskClient, api: FakeShopApi) -> FlaskClient:
    """An admin of a shop with one order."""
    send(client, "/auth/login", "/auth/login", email=ADMIN_EMAIL, password=PASSWORD)
    api.orders["key"] = ORDER | {"status": "pending"}
    return client


def test_figures_are_those_of_the_backend(admin: FlaskClient) -> None:
    page = page_of(admin, "/admin")
    figures = page.one("dl", class_="figures").text
    assert figures == "Revenue €1,234.50 Orders 5 Average order €246.90 Customers 3"
    statuses = [item.text for item in page.one("ul", class_="statuses").all("li")]
    assert statuses == [f"{status} {number}" for status, number in SALES["by_status"].items()]
    rankings = [ranking.text for ranking in page.all("ol", class_="ranking")]
    assert rankings == ["Mug <No. 1> 9 sold", "Mug No. 2 1 left"]


def test_chart_has_a_bar_and_a_table_row_for_each_day(admin: FlaskClient) -> None:
    page = page_of(admin, "/admin")
    bars = page.one("figure").all("rect")
    heights = [float(bar.attributes["height"]) for bar in bars]
    assert heights == [40, 0, 160]
    assert [float(bar.attributes["y"]) + height for bar, height in zip(bars, heights, strict=True)] == [160] * 3
    rows = [row.text for row in page.one("tbody").all("tr")]
    assert rows == ["22 November 2026 3 €400.00", "21 November 2026 0 €0.00", "20 November 2026 1 €100.00"]


def test_shop_that_sold_nothing_has_no_chart(admin: FlaskClient, api: FakeShopApi, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    nothing = {"sales_by_day": [], "best_sellers": [], "low_stock": [], "revenue": "0.00", "average_order": "0.00"}
    for name, value in nothing.items():
        monkeypatch.setitem(SALES, name, value)
    api.orders.clear()
    page = page_of(admin, "/admin")
    assert not page.all("figure")
    assert "Nobody has ordered yet." in page.one("main").text


def test_figures_and_newest_orders_are_two_calls(admin: FlaskClient, api: FakeShopApi) -> None:
    api.calls.clear()
    page_of(admin, "/admin")
    assert sorted(api.paths()) == ["/api/orders/admin/all", "/api/orders/admin/stats"]


def test_orders_are_listed_by_status(admin: FlaskClient, api: FakeShopApi) -> None:
    page = page_of(admin, "/admin/orders?status=pending")
    assert api.calls[-1].query["status"] == "pending"
    listed = page.one("ul", class_="orders moving").one("div", class_="what")
    assert listed.text == "Order 00000001 <b>ada</b>@example.com"
    assert page.one("nav", class_="chips").one("a", aria_current="page").text == "Pending"
    page_of(admin, "/admin/orders?status=eaten")
    assert "status" not in api.calls[-1].query


def test_order_is_moved_and_the_list_comes_back(admin: FlaskClient, api: FakeShopApi) -> None:
    path, action = "/admin/orders?status=pending", "/admin/orders/1/status"
    buttons = page_of(admin, path).one("form", action=action).all("button")
    assert [button.attributes["value"] for button in buttons] == ["paid", "cancelled"]
    response = send(admin, path, action, status="paid")
    assert (response.status_code, response.location) == (303, path)
    assert api.orders["key"]["status"] == "paid"
    assert page_of(admin, "/admin").one("div", role="status").text == "Order 00000001 is paid now."


def test_order_that_moved_meanwhile_says_so(admin: FlaskClient, api: FakeShopApi) -> None:
    form = page_of(admin, "/orders/1").form("/admin/orders/1/status") | {"status": "paid"}
    api.orders["key"]["status"] = "paid"
    assert admin.post("/admin/orders/1/status", data=form).location == "/orders/1"
    assert page_of(admin, "/orders/1").one("div", role="status").text == "wrong_status"


@pytest.mark.parametrize("status", ["", "eaten"])
def test_status_that_is_none_asks_nobody(admin: FlaskClient, api: FakeShopApi, status: str) -> None:
    form = page_of(admin, "/admin/orders").form("/admin/orders/1/status") | {"status": status}
    api.calls.clear()
    assert admin.post("/admin/orders/1/status", data=form).status_code == 400
    assert api.calls == []


@pytest.mark.parametrize("path", PATHS)
def test_customer_is_kept_out_without_asking_the_backend(client: FlaskClient, api: FakeShopApi, path: str) -> None:
    send(client, "/auth/login", "/auth/login", email="ada@example.com", password=PASSWORD)
    api.calls.clear()
    response = client.get(path)
    assert response.status_code == 403
    assert "those who run the shop" in read_page(response.text).one("main").text
    assert "/admin" not in [link.attributes["href"] for link in read_page(client.get("/").text).all("a")]
    assert not [call for call in api.paths() if "admin" in call]


@pytest.mark.parametrize("path", PATHS)
def test_stranger_is_asked_to_sign_in(client: FlaskClient, path: str) -> None:
    assert client.get(path).location == f"/auth/login?next={path.partition('?')[0]}"


def test_admin_whose_role_was_taken_is_kept_out_by_the_backend(admin: FlaskClient, api: FakeShopApi) -> None:
    api.fail("/api/orders/admin/stats", 403)
    assert admin.get("/admin").status_code == 403
