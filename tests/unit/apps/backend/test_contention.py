"""Many customers at the same moment, before a backend of several processes: nothing is sold twice, nothing is lost."""

from __future__ import annotations

import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import psutil
import psycopg
import pytest
from backend.settings import Settings
from support.crowd import Got, Wanted, ask, ask_at_once
from support.orders import ADDRESS, KETTLE, LAMP, STOOL
from support.servers import free_port, running
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[4] / "apps"
BUYERS = 100
PROCESSES, THREADS = 3, 8

Header = dict[str, str]


@dataclass(frozen=True)
class Books:
    """What lies in the shop's database."""

    database: psycopg.Connection

    def product(self, slug: str) -> int:
        """A product's id."""
        return self._number("SELECT id FROM products WHERE slug = %s", slug)

    def stock(self, slug: str) -> int:
        return self._number("SELECT stock FROM products WHERE slug = %s", slug)

    def ordered(self, slug: str) -> int:
        """Pieces in orders that hold."""
        return self._number(
            "SELECT coalesce(sum(quantity), 0) FROM order_items JOIN orders ON orders.id = order_id"
            " JOIN products ON products.id = product_id WHERE slug = %s AND orders.status <> 'cancelled'",
            slug,
        )

    def put(self, slug: str, stock: int) -> None:
        """Lets there be no order, and so many pieces of a product."""
        self.database.execute("DELETE FROM orders")
        self.database.execute("UPDATE products SET stock = %s WHERE slug = %s", [stock, slug])

    def waiting_ports(self) -> set[int]:
        """The ports of the clients whose statements wait for a lock."""
        rows = self.database.execute("SELECT client_port FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return {int(row[0]) for row in rows}

    def _number(self, query: str, argument: str) -> int:
        row = self.database.execute(query.encode(), [argument]).fetchone()
        assert row is not None
        return int(row[0])


@dataclass(frozen=True)
class Served:
    """A backend of several processes, and the headers by which its customers and its admin are known."""

    port: int
    process: psutil.Process
    buyers: list[Header]
    admin: Header

    def at_once(self, *wanted: Wanted) -> list[Got]:
        return ask_at_once(self.port, wanted)

    def ask(self, wanted: Wanted) -> Got:
        return ask(self.port, wanted)


@pytest.fixture(scope="module")
def served(seeded_settings: Settings) -> Iterator[Served]:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APPS),
        "DATABASE_URL": seeded_settings.database_url,
        "REDIS_URL": seeded_settings.redis_url,
        "TOKEN_KEY_FILE": str(seeded_settings.token_key_file),
        "BACKEND_PORT": str(port),
        "BACKEND_WORKERS": str(PROCESSES),
        "BACKEND_THREADS": str(THREADS),
        "ARGON2_MEMORY_KIB": "8",
        "ARGON2_PASSES": "1",
        "RATE_LIMITS": "off",
        "TRACING": "off",
    }
    with running([sys.executable, "-m", "backend"], port, env=environ) as process:
        log_in = {"email": "admin@example.com", "password": "admin-password"}
        admin = _bearer(ask(port, Wanted("POST", "/api/auth/login", {}, log_in)))
        with ThreadPoolExecutor(PROCESSES) as clients:
            buyers = list(clients.map(lambda number: _registered(port, number), range(BUYERS)))
        yield Served(port, psutil.Process(process.pid), buyers, admin)


@pytest.fixture
def books(seeded_settings: Settings) -> Iterator[Books]:
    with psycopg.connect(seeded_settings.database_url.replace("+psycopg", ""), autocommit=True) as database:
        yield Books(database)


def _registered(port: int, number: int) -> Header:
    account = {"email": f"buyer-{number}@example.com", "name": "Buyer", "password": "a-password-of-buyers"}
    return _bearer(ask(port, Wanted("POST", "/api/auth/register", {}, account)))


def _bearer(got: Got) -> Header:
    return {"Authorization": f"Bearer {got.data['token']}"}


def _checkout(buyer: Header, quantities: Mapping[int, int], key: str | None = None) -> Wanted:
    items = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in quantities.items()]
    headers = buyer | {"Idempotency-Key": key or secrets.token_hex(8)}
    return Wanted("POST", "/api/orders", headers, {"items": items, "shipping_address": ADDRESS})


def _cancel(buyer: Header, order_id: int) -> Wanted:
    return Wanted("POST", f"/api/orders/{order_id}/cancel", buyer)


def _statuses(answers: list[Got]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


@pytest.mark.parametrize(("quantity", "orders", "left"), [(1, 10, 0), (3, 3, 1)])
def test_hundred_buyers_share_the_last_ten_pieces(
    served: Served, books: Books, quantity: int, orders: int, left: int
) -> None:
    books.put(LAMP, 10)
    lamp = books.product(LAMP)
    answers = served.at_once(*(_checkout(buyer, {lamp: quantity}) for buyer in served.buyers))
    assert _statuses(answers) == {201: orders, 409: BUYERS - orders}
    refusals = [answer.error for answer in answers if answer.status == 409]
    for refusal in refusals:
        [(field, message)] = refusal["fields"].items()
        assert (refusal["code"], field) == ("out_of_stock", f"items.{lamp}")
        assert message == refusal["message"] == f"only {left} of Halo paper lamp left"
    assert len({answer.data["id"] for answer in answers if answer.status == 201}) == orders
    assert (books.stock(LAMP), books.ordered(LAMP)) == (left, 10 - left)
    shown = served.ask(Wanted("GET", f"/api/catalog/products/{LAMP}", {})).data["stock"]
    assert shown == left


def test_crossing_carts_and_cancels_wait_for_each_other_in_turn(served: Served, books: Books) -> None:
    books.put(LAMP, 1000)
    products = [books.product(slug) for slug in (LAMP, STOOL, KETTLE)]
    stocks = [books.stock(slug) for slug in (LAMP, STOOL, KETTLE)]
    forth, back = dict.fromkeys(products, 1), dict.fromkeys(reversed(products), 1)
    made = served.at_once(*(_checkout(buyer, forth) for buyer in served.buyers[:20]))
    cancels = [_cancel(buyer, got.data["id"]) for buyer, got in zip(served.buyers, made, strict=False)]
    crossing = [_checkout(buyer, cart) for buyer in served.buyers[:30] for cart in (forth, back)]
    answers = served.at_once(*cancels, *crossing)
    assert _statuses(answers) == {200: 20, 201: 60}
    assert [books.stock(slug) for slug in (LAMP, STOOL, KETTLE)] == [stock - 60 for stock in stocks]


def test_checkout_that_is_sent_many_times_at_once_makes_one_order(served: Served, books: Books) -> None:
    books.put(LAMP, 1)
    lamp, [buyer, other, *_rest], key = books.product(LAMP), served.buyers, secrets.token_hex(8)
    answers = served.at_once(*[_checkout(buyer, {lamp: 1}, key)] * 50)
    assert _statuses(answers) == {201: 50}
    assert len({answer.body for answer in answers}) == 1
    assert (books.stock(LAMP), books.ordered(LAMP)) == (0, 1)
    assert served.ask(_checkout(buyer, {lamp: 2}, key)).error["code"] == "idempotency_key_reused"
    assert served.ask(_checkout(other, {lamp: 1}, key)).error["code"] == "out_of_stock"


def test_one_key_for_two_checkouts_at_once_makes_one_of_them(served: Served, books: Books) -> None:
    books.put(LAMP, 100)
    lamp, stool, key = books.product(LAMP), books.product(STOOL), secrets.token_hex(8)
    stools = books.stock(STOOL)
    answers = served.at_once(*[_checkout(served.buyers[0], {product: 1}, key) for product in (lamp, stool)] * 20)
    assert _statuses(answers) == {201: 20, 422: 20}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert 100 - books.stock(LAMP) + stools - books.stock(STOOL) == 1


def test_process_that_is_killed_amid_checkouts_loses_and_doubles_nothing(
    served: Served, books: Books, seeded_settings: Settings
) -> None:
    """Checkouts are held in the database while one of the processes is killed; their customers ask again."""
    books.put(LAMP, 1000)
    lamp, processes, broken = books.product(LAMP), len(served.process.children()), []

    def bought(buyer: Header) -> Got:
        wanted = _checkout(buyer, {lamp: 1})
        while True:
            try:
                answer = served.ask(wanted)
            except (OSError, HTTPException) as problem:
                broken.append(problem)
            else:
                if answer.status != 503:
                    return answer

    with ThreadPoolExecutor(18) as clients:
        with psycopg.connect(seeded_settings.database_url.replace("+psycopg", "")) as holder:
            holder.execute("SELECT 1 FROM products WHERE id = %s FOR UPDATE", [lamp])
            begun = [clients.submit(bought, buyer) for buyer in served.buyers[:18]]
            eventually(lambda: len(books.waiting_ports()) >= THREADS)
            _owner(served, books.waiting_ports()).kill()
        answers = [one.result() for one in begun]
    assert broken
    assert _statuses(answers) == {201: 18}
    assert len({answer.data["id"] for answer in answers}) == 18
    assert (books.stock(LAMP), books.ordered(LAMP)) == (1000 - 18, 18)
    eventually(lambda: len(served.process.children()) == processes)


def _owner(served: Served, ports: set[int]) -> psutil.Process:
    """One of the processes that have connections from these ports."""
    return next(
        process
        for process in served.process.children()
        if ports & {connection.laddr.port for connection in process.net_connections("tcp")}
    )


def test_order_that_is_cancelled_many_times_at_once_gives_its_stock_back_once(served: Served, books: Books) -> None:
    books.put(LAMP, 10)
    lamp, buyer = books.product(LAMP), served.buyers[0]
    order = served.ask(_checkout(buyer, {lamp: 4})).data["id"]
    answers = served.at_once(*[_cancel(buyer, order)] * 40)
    assert _statuses(answers) == {200: 1, 409: 39}
    assert {answer.error["code"] for answer in answers if answer.status == 409} == {"wrong_status"}
    assert (books.stock(LAMP), books.ordered(LAMP)) == (10, 0)


@pytest.mark.parametrize("attempt", range(3))
def test_cancelling_and_shipping_at_once_does_one_of_them(served: Served, books: Books, attempt: int) -> None:
    books.put(LAMP, 10)
    lamp, buyer = books.product(LAMP), served.buyers[attempt]
    order = served.ask(_checkout(buyer, {lamp: 4})).data["id"]
    paid, shipped, cancelled = (
        Wanted("PATCH", f"/api/orders/{order}/status", served.admin, {"status": status})
        for status in ("paid", "shipped", "cancelled")
    )
    assert served.ask(paid).status == 200
    answers = served.at_once(*[_cancel(buyer, order), shipped, cancelled] * 10)
    assert _statuses(answers) == {200: 1, 409: 29}
    [winner] = [answer.data["status"] for answer in answers if answer.status == 200]
    assert served.ask(Wanted("GET", f"/api/orders/{order}", buyer)).data["status"] == winner
    assert (books.stock(LAMP), books.ordered(LAMP)) == ((6, 4) if winner == "shipped" else (10, 0))
