"""What an admin sees of all orders, and how they are moved on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from backend.settings import Settings
from flask.testing import FlaskClient
from support.orders import KETTLE, LAMP, STOOL, change_product, place, product

LogIn = Callable[[str], dict[str, str]]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/orders/admin/all"), ("GET", "/api/orders/admin/stats"), ("PATCH", "/api/orders/1/status")],
)
def test_admin_routes_refuse_customers_and_strangers(
    client: FlaskClient, log_in: LogIn, method: str, path: str
) -> None:
    assert client.open(path, method=method, json={"status": "paid"}).status_code == 401
    assert client.open(path, method=method, json={"status": "paid"}, headers=log_in("ada")).status_code == 403


def test_admin_moves_orders_along_and_sees_all(client: FlaskClient, log_in: LogIn) -> None:
    admin, order = log_in("admin"), place(client, log_in("ada"), {LAMP: 1}).get_json()["data"]["id"]
    path = f"/api/orders/{order}/status"
    statuses = [
        client.patch(path, json={"status": status}, headers=admin).status_code
        for status in ("delivered", "paid", "shipped", "cancelled", "delivered")
    ]
    assert statuses == [409, 200, 200, 409, 200]
    newest = client.get("/api/orders/admin/all?limit=1", headers=admin).get_json()["data"]["items"][0]
    assert (newest["id"], newest["status"], newest["email"]) == (order, "delivered", "ada@example.com")
    totals = client.get("/api/orders/admin/stats", headers=admin).get_json()["data"]
    assert totals["orders"] == sum(totals["by_status"].values())
    assert totals["by_status"]["delivered"] >= 1


def test_lists_show_the_orders_of_a_status(client: FlaskClient, log_in: LogIn) -> None:
    admin, ada = log_in("admin"), log_in("ada")
    made = [place(client, ada, {LAMP: 1}).get_json()["data"]["id"] for _unused in range(3)]
    client.post(f"/api/orders/{made[1]}/cancel", headers=ada)

    def listed(path: str, header: dict[str, str]) -> dict[str, Any]:
        page: dict[str, Any] = client.get(path, headers=header).get_json()["data"]
        return page

    for path, header in (("/api/orders/admin/all", admin), ("/api/orders", ada)):
        pending = listed(f"{path}?status=pending&limit=2", header)
        assert [order["id"] for order in pending["items"]] == [made[2], made[0]]
        cancelled = listed(f"{path}?status=cancelled", header)
        assert cancelled["items"][0]["id"] == made[1]
        assert {order["status"] for order in cancelled["items"]} == {"cancelled"}
        assert listed(path, header)["total"] > pending["total"] > cancelled["total"] == len(cancelled["items"])
        second = listed(f"{path}?status=pending&limit=2&page=2", header)
        assert not {order["id"] for order in second["items"]} & set(made)
        assert client.get(f"{path}?status=lost", headers=header).get_json()["error"]["fields"].keys() == {"status"}


@pytest.mark.parametrize("days", ["0", "367", "-1", "x", "1.5"])
def test_statistics_refuse_odd_days(client: FlaskClient, log_in: LogIn, days: str) -> None:
    answer = client.get(f"/api/orders/admin/stats?days={days}", headers=log_in("admin"))
    assert (answer.status_code, list(answer.get_json()["error"]["fields"])) == (400, ["days"])


@pytest.fixture
def no_orders(seeded_settings: Settings) -> str:
    """The server, none of whose orders is left."""
    server = seeded_settings.database_url.replace("+psycopg", "")
    with psycopg.connect(server) as connection:
        connection.execute("DELETE FROM orders")
    return server


def test_statistics_sum_up_what_was_sold(client: FlaskClient, log_in: LogIn, no_orders: str) -> None:
    admin, ada = log_in("admin"), log_in("ada")
    bought = ({LAMP: 1, STOOL: 3}, {STOOL: 2}, {LAMP: 9}, {KETTLE: 50})
    orders = [place(client, ada, quantities).get_json()["data"] for quantities in bought]
    client.post(f"/api/orders/{orders[2]['id']}/cancel", headers=ada)
    with psycopg.connect(no_orders) as connection:
        for order, days in ((orders[1], 2), (orders[3], 7)):
            made_at = datetime.now(UTC) - timedelta(days=days)
            connection.execute("UPDATE orders SET created_at = %s WHERE id = %s", [made_at, order["id"]])
    told = client.get("/api/orders/admin/stats?days=7", headers=admin).get_json()["data"]
    first, second, _cancelled, old = (Decimal(order["total"]) for order in orders)
    assert told["orders"] == 4
    assert told["by_status"] == {"pending": 3, "paid": 0, "shipped": 0, "delivered": 0, "cancelled": 1}
    assert Decimal(told["revenue"]) == first + second + old
    assert Decimal(told["average_order"]) == round((first + second + old) / 3, 2)
    by_day = {day["day"]: (day["orders"], Decimal(day["revenue"])) for day in told["sales_by_day"]}
    today = datetime.now(UTC).date()
    assert list(by_day) == [str(today - timedelta(days=number)) for number in range(6, -1, -1)]
    sold = {str(today): (1, first), str(today - timedelta(days=2)): (1, second)}
    assert {day: sums for day, sums in by_day.items() if sums != (0, Decimal(0))} == sold
    stool, lamp = product(client, STOOL), product(client, LAMP)
    assert [(best["product"]["slug"], best["quantity"]) for best in told["best_sellers"]] == [(STOOL, 5), (LAMP, 1)]
    assert [Decimal(best["revenue"]) for best in told["best_sellers"]] == [
        5 * Decimal(stool["price"]),
        Decimal(lamp["price"]),
    ]


def test_statistics_of_a_new_shop_are_zero(client: FlaskClient, log_in: LogIn, no_orders: str) -> None:
    told = client.get("/api/orders/admin/stats", headers=log_in("admin")).get_json()["data"]
    assert (told["orders"], told["revenue"], told["average_order"], told["best_sellers"]) == (0, "0.00", "0.00", [])
    assert len(told["sales_by_day"]) == told["days"] == 30


def test_statistics_name_what_is_nearly_sold_out(client: FlaskClient, log_in: LogIn, seeded_settings: Settings) -> None:
    for slug, columns in ((LAMP, {"stock": 10}), (STOOL, {"stock": 0}), (KETTLE, {"stock": 11})):
        change_product(seeded_settings.database_url, slug, **columns)
    told = client.get("/api/orders/admin/stats", headers=log_in("admin")).get_json()["data"]
    assert [(low["product"]["slug"], low["stock"]) for low in told["low_stock"]] == [(STOOL, 0), (LAMP, 10)]
    change_product(seeded_settings.database_url, STOOL, status="archived", stock=0)
    told = client.get("/api/orders/admin/stats", headers=log_in("admin")).get_json()["data"]
    assert [low["product"]["slug"] for low in told["low_stock"]] == [LAMP]
    for slug in (LAMP, STOOL, KETTLE):
        change_product(seeded_settings.database_url, slug, status="active", stock=1000)


@pytest.mark.parametrize(
    ("status", "follow"),
    [
        ("pending", {"paid", "cancelled"}),
        ("paid", {"shipped", "cancelled"}),
        ("shipped", {"delivered"}),
        ("delivered", set()),
        ("cancelled", set()),
    ],
)
def test_order_goes_on_only_as_the_table_says(
    client: FlaskClient, log_in: LogIn, seeded_settings: Settings, status: str, follow: set[str]
) -> None:
    admin, ada = log_in("admin"), log_in("ada")
    order = place(client, ada, {LAMP: 2}).get_json()["data"]["id"]
    stock = product(client, LAMP)["stock"]
    with psycopg.connect(seeded_settings.database_url.replace("+psycopg", ""), autocommit=True) as database:
        for wanted in ("pending", "paid", "shipped", "delivered", "cancelled"):
            database.execute("UPDATE orders SET status = %s WHERE id = %s", [status, order])
            answer = client.patch(f"/api/orders/{order}/status", json={"status": wanted}, headers=admin)
            assert answer.status_code == (200 if wanted in follow else 409)
            shown = client.get(f"/api/orders/{order}", headers=ada).get_json()["data"]
            assert shown["status"] == (wanted if wanted in follow else status)
            assert answer.status_code == 409 or answer.get_json()["data"] == shown
    assert product(client, LAMP)["stock"] == stock + (2 if "cancelled" in follow else 0)


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": "lost"}, {"status": ["paid"]}])
def test_status_that_there_is_not_is_refused(client: FlaskClient, log_in: LogIn, body: dict[str, Any]) -> None:
    order = place(client, log_in("ada"), {LAMP: 1}).get_json()["data"]["id"]
    answer = client.patch(f"/api/orders/{order}/status", json=body, headers=log_in("admin"))
    assert (answer.status_code, list(answer.get_json()["error"]["fields"])) == (400, ["status"])
    assert (
        client.patch("/api/orders/999999999/status", json={"status": "paid"}, headers=log_in("admin")).status_code
        == 404
    )
