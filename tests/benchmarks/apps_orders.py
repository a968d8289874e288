"""Checkouts of customers who order again and again from one backend: how many a second, and is any lost or doubled."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final, NamedTuple

import orjson
import psycopg
from benchmarks.rounds import cpu_seconds
from benchmarks.servers import Server, get
from benchmarks.shop import ACCOUNTS, Shop, email, token
from benchmarks.users import Call, Load, load

CUSTOMERS: Final = 40
SECONDS: Final = 10
WARM_UP_SECONDS: Final = 2
PRODUCTS_OF_AN_ORDER: Final = 2
# One checkout in so many is sent again with its key, as a customer does who saw no answer.
REPEATED: Final = 20
_PATH: Final = "/api/orders"
_ADDRESS: Final = {"name": "Ada", "street": "1 Long Lane", "city": "Leeds", "postal_code": "LS1", "country": "GB"}


def measure(shop: Shop) -> dict[str, list[float]]:
    """The figures, of one process that traces nothing."""
    with (
        shop.backend(TRACING="off") as backend,
        closing(psycopg.connect(shop.variables["DATABASE_URL"].replace("+psycopg", ""), autocommit=True)) as database,
    ):
        before = _Books.read(database)
        customers = _Customers(backend, shop)
        load([customers.script(number) for number in range(CUSTOMERS)], WARM_UP_SECONDS)
        warm, cpu = customers.checkouts, cpu_seconds(backend.process)
        done = load([customers.script(CUSTOMERS + number) for number in range(CUSTOMERS)], SECONDS)
        cpu = cpu_seconds(backend.process) - cpu
        figures = _speed(done, customers.checkouts - warm, cpu)
        figures |= _differences(before, _Books.read(database), customers.checkouts)
        return {name: [value] for name, value in figures.items()}


def _speed(done: Load, checkouts: int, cpu: float) -> dict[str, float]:
    return {
        "orders_per_second": checkouts / done.seconds,
        "orders_p50_ms": done.percentile_ms(0.50),
        "orders_p95_ms": done.percentile_ms(0.95),
        "order_cpu_us": cpu / done.requests * 1e6,
        "order_errors": float(done.errors.total()),
    }


class _Books(NamedTuple):
    """What the shop's database holds."""

    orders: int
    ordered_pieces: int
    stock: int

    @classmethod
    def read(cls, database: psycopg.Connection) -> _Books:
        query = (
            "SELECT (SELECT count(*) FROM orders), (SELECT coalesce(sum(quantity), 0) FROM order_items),"
            " (SELECT sum(stock) FROM products)"
        )
        row = database.execute(query).fetchone()
        assert row is not None
        return cls(*map(int, row))


def _differences(before: _Books, after: _Books, checkouts: int) -> dict[str, float]:
    made = after.orders - before.orders
    sold = after.ordered_pieces - before.ordered_pieces
    return {
        "orders_made": made,
        "orders_lost": max(0, checkouts - made),
        "orders_doubled": max(0, made - checkouts),
        "stock_difference": abs(before.stock - after.stock - sold),
    }


class _Customers:
    """Customers of one backend, and how many checkouts they have begun; repeats of one count once."""

    def __init__(self, backend: Server, shop: Shop) -> None:
        self.checkouts = 0
        self._port, self._headers = backend.port, shop.headers
        self._tokens = [token(backend.port, email(number), shop.headers) for number in range(ACCOUNTS)]
        products = orjson.loads(get(backend.port, "/api/catalog/products?limit=100", shop.headers).body)
        self._products = [product["id"] for product in products["data"]["items"]]

    def script(self, customer: int) -> Iterator[Call]:
        """What one customer sends, without end."""
        chance = random.Random(customer)
        bearer = self._tokens[customer % ACCOUNTS]
        while True:
            call = self._checkout(bearer, chance.sample(self._products, PRODUCTS_OF_AN_ORDER))
            self.checkouts += 1
            yield call
            if chance.randrange(REPEATED) == 0:
                yield call

    def _checkout(self, bearer: str, products: Sequence[int]) -> Call:
        items = [{"product_id": product, "quantity": 1} for product in products]
        body = orjson.dumps({"items": items, "shipping_address": _ADDRESS})
        fields = {
            "Host": f"127.0.0.1:{self._port}",
            "Authorization": f"Bearer {bearer}",
            "Idempotency-Key": secrets.token_hex(16),
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **self._headers,
        }
        head = "\r\n".join([f"POST {_PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())])
        return Call(self._port, _PATH, f"{head}\r\n\r\n".encode() + body)
