"""A small real HTTP server that answers in the shapes of the shop's API, for tests of what stands before it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.http_thread import http_thread

Json = Any
TOKEN = "a-token-of-the-shop"
PASSWORD = "correct horse battery"
ADMIN_EMAIL = "admin@example.com"

CATEGORIES: list[Json] = [
    {
        "id": 1,
        "slug": "kitchen",
        "name": "Kitchen",
        "children": [{"id": 2, "slug": "mugs", "name": "Mugs & Cups", "children": []}],
    },
    {"id": 3, "slug": "books", "name": "Books", "children": []},
]


SALES: Json = {
    "orders": 5,
    "by_status": {"pending": 2, "paid": 1, "shipped": 1, "delivered": 1, "cancelled": 0},
    "revenue": "1234.50",
    "average_order": "246.90",
    "currency": "EUR",
    "customers": 3,
    "products": 30,
    "days": 3,
    "sales_by_day": [
        {"day": "2026-11-20", "orders": 1, "revenue": "100.00"},
        {"day": "2026-11-21", "orders": 0, "revenue": "0.00"},
        {"day": "2026-11-22", "orders": 3, "revenue": "400.00"},
    ],
    "best_sellers": [{"product": {"id": 1, "slug": "mug-1", "name": "Mug <No. 1>"}, "quantity": 9, "revenue": "99.00"}],
    "low_stock": [{"product": {"id": 2, "slug": "mug-2", "name": "Mug No. 2"}, "stock": 1}],
}


def make_product(number: int, **changes: Json) -> Json:
    """A product in the shape of /api/catalog/products."""
    product = {
        "id": number,
        "sku": f"SKU-{number:04}",
        "slug": f"mug-{number}",
        "name": f"Mug No. {number}",
        "description": "Holds <hot> drinks & keeps them so.",
        "price": f"{10 + number}.90",
        "compare_at_price": "99.00" if number % 2 else None,
        "stock": 10 * number,
        "status": "active",
        "featured": number <= 8,
        "category": {"slug": "mugs", "name": "Mugs & Cups"},
        "image_url": None,
    }
    return product | changes


def _session(session_id: str, current: bool = False) -> Json:
    moment = "2026-11-22T10:00:00+00:00"
    return {"id": session_id, "created_at": moment, "last_seen_at": moment, "user_agent": None, "current": current}


@dataclass(frozen=True)
class Call:
    """A request that reached the server."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json


@dataclass(frozen=True)
class Reply:
    """An answer other than the usual one; with `raw` set these bytes are the whole response."""

    status: int = 200
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass
class FakeShopApi:
    """What the server holds and what it was asked; `replies` put another answer before a path's usual one."""

    products: list[Json] = field(default_factory=lambda: [make_product(number) for number in range(1, 31)])
    calls: list[Call] = field(default_factory=list)
    orders: dict[str, Json] = field(default_factory=dict)
    sessions: list[Json] = field(default_factory=lambda: [_session("here", True), _session("phone"), _session("desk")])
    replies: dict[str, Callable[[Call], Reply]] = field(default_factory=dict)
    url: str = ""
    connections: int = 0
    open_sockets: list[socket.socket] = field(default_factory=list)

    def hang_up(self) -> None:
        """Closes every connection from the server's side, as a server does with idle ones."""
        for connection in self.open_sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.open_sockets.clear()

    def paths(self) -> list[str]:
        """The paths asked, in order."""
        return [call.path for call in self.calls]

    def fail(self, path: str, status: int, code: str = "FAILED", message: str = "No.", **fields: str) -> None:
        """Lets a path answer with the error shape."""
        error: Json = {"code": code, "message": message, "fields": fields}
        self.replies[path] = lambda call: Reply(status, {"success": False, "error": error})

    def answer(self, call: Call) -> Reply:
        if call.path in self.replies:
            return self.replies[call.path](call)
        head, _, tail = call.path.rpartition("/")
        handler = _ROUTES.get((call.method, call.path)) or _ROUTES.get((call.method, f"{head}/*"))
        if handler is None:
            return _error(404, "NOT_FOUND")
        return handler(self, call, tail)

    def order_of(self, call: Call) -> Json:
        """The order made with the call's key, the same for the same key."""
        key = call.headers["idempotency-key"]
        if key not in self.orders:
            self.orders[key] = self._new_order(call.body["items"], call.body["shipping_address"])
        return self.orders[key]

    def _new_order(self, items: list[Json], address: Json) -> Json:
        products = {product["id"]: product for product in self.products}
        lines = [
            {
                "product": {"slug": products[item["product_id"]]["slug"], "name": products[item["product_id"]]["name"]},
                "quantity": item["quantity"],
                "unit_price": products[item["product_id"]]["price"],
            }
            for item in items
        ]
        number = len(self.orders) + 1
        return {
            "id": number,
            "number": f"DO-{number:06}",
            "status": "pending",
            "total": "24.80",
            "created_at": "2026-11-22T10:00:00+00:00",
            "items": lines,
            "shipping_address": address,
            "email": "ada@example.com",
        }


def _data(data: Json, status: int = 200) -> Reply:
    return Reply(status, {"success": True, "data": data})


def _error(status: int, code: str) -> Reply:
    return Reply(status, {"success": False, "error": {"code": code, "message": code.lower()}})


def _list(api: FakeShopApi, call: Call, _: str) -> Reply:
    page, limit = int(call.query.get("page", "1")), int(call.query.get("limit", "20"))
    text = call.query.get("q", "").lower()
    found = [product for product in api.products if text in product["name"].lower()]
    if "ids" in call.query:
        ids = call.query["ids"].split(",")
        found = [product for product in found if str(product["id"]) in ids]
    start = (page - 1) * limit
    pages = max(1, -(-len(found) // limit))
    items = found[start : start + limit]
    return _data({"items": items, "page": page, "limit": limit, "total": len(found), "pages": pages})


def _product(api: FakeShopApi, call: Call, name: str) -> Reply:
    found = [product for product in api.products if name in (product["slug"], str(product["id"]))]
    return _data(found[0]) if found else _error(404, "NOT_FOUND")


def _login(api: FakeShopApi, call: Call, _: str) -> Reply:
    if call.body["password"] != PASSWORD:
        return _error(401, "INVALID_CREDENTIALS")
    role = "admin" if call.body["email"] == ADMIN_EMAIL else "customer"
    user = {"id": 7, "email": call.body["email"], "name": "Ada Lovelace", "role": role}
    return _data({"token": TOKEN, "user": user, "expires_in": 3600})


def _register(api: FakeShopApi, call: Call, _: str) -> Reply:
    if call.body["email"] == "taken@example.com":
        return _error(409, "EMAIL_TAKEN")
    user = {"id": 8, "email": call.body["email"], "name": call.body["name"]}
    return _data({"token": TOKEN, "user": user, "expires_in": 3600}, 201)


def _signed_in(handler: Callable[[FakeShopApi, Call, str], Reply]) -> Callable[[FakeShopApi, Call, str], Reply]:
    def check(api: FakeShopApi, call: Call, tail: str) -> Reply:
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(401, "UNAUTHORIZED")
        return handler(api, call, tail)

    return check


def _me(api: FakeShopApi, call: Call, _: str) -> Reply:
    return _data({"id": 7, "email": "ada@example.com", "name": "Ada Lovelace"})


def _orders(api: FakeShopApi, call: Call, _: str) -> Reply:
    return _data({"items": list(api.orders.values()), "page": 1, "limit": 20, "total": len(api.orders), "pages": 1})


def _order(api: FakeShopApi, call: Call, number: str) -> Reply:
    found = [order for order in api.orders.values() if str(order["id"]) == number]
    return _data(found[0]) if found else _error(404, "NOT_FOUND")


def _cancel(api: FakeShopApi, call: Call, _: str) -> Reply:
    for order in api.orders.values():
        order["status"] = "cancelled"
    return _data(next(iter(api.orders.values())))


def _change_password(api: FakeShopApi, call: Call, _: str) -> Reply:
    if call.body["current_password"] != PASSWORD:
        return _error(403, "BAD_CREDENTIALS")
    return _data({"token": TOKEN, "user": {"id": 7, "email": "ada@example.com", "name": "Ada"}, "expires_in": 3600})


def _end_sessions(api: FakeShopApi, call: Call, session_id: str) -> Reply:
    kept = [
        session
        for session in api.sessions
        if session["current"] or (session_id != "sessions" and session["id"] != session_id)
    ]
    if len(kept) == len(api.sessions):
        return _error(404, "NOT_FOUND")
    api.sessions = kept
    return _data(None)


def _all_orders(api: FakeShopApi, call: Call, _: str) -> Reply:
    wanted = call.query.get("status")
    found = [order for order in api.orders.values() if wanted in (None, order["status"])]
    return _data({"items": found, "page": 1, "limit": 25, "total": len(found), "pages": 1})


def _move(api: FakeShopApi, call: Call, _: str) -> Reply:
    order = next(order for order in api.orders.values() if f"/{order['id']}/" in call.path)
    if order["status"] == call.body["status"]:
        return _error(409, "WRONG_STATUS")
    order["status"] = call.body["status"]
    return _data(order)


_ROUTES: dict[tuple[str, str], Callable[[FakeShopApi, Call, str], Reply]] = {
    ("GET", "/api/catalog/products"): _list,
    ("GET", "/api/catalog/products/*"): _product,
    ("GET", "/api/catalog/categories"): lambda api, call, tail: _data(CATEGORIES),
    ("GET", "/api/search"): _list,
    ("GET", "/api/search/suggest"): lambda api, call, tail: _data(["mug", "teapot"]),
    ("GET", "/api/search/popular"): lambda api, call, tail: _data(["mug", "coat & hat"]),
    ("POST", "/api/auth/login"): _login,
    ("POST", "/api/auth/register"): _register,
    ("GET", "/api/auth/me"): _signed_in(_me),
    ("POST", "/api/auth/logout"): _signed_in(lambda api, call, tail: _data(None)),
    ("GET", "/api/auth/sessions"): _signed_in(lambda api, call, tail: _data({"items": api.sessions})),
    ("DELETE", "/api/auth/sessions"): _signed_in(_end_sessions),
    ("DELETE", "/api/auth/sessions/*"): _signed_in(_end_sessions),
    ("GET", "/api/orders"): _signed_in(_orders),
    ("POST", "/api/orders"): _signed_in(lambda api, call, tail: _data(api.order_of(call), 201)),
    ("GET", "/api/orders/*"): _signed_in(_order),
    ("POST", "/api/orders/1/cancel"): _signed_in(_cancel),
    ("PATCH", "/api/orders/1/status"): _signed_in(_move),
    ("POST", "/api/auth/change-password"): _signed_in(_change_password),
    ("GET", "/api/orders/admin/all"): _signed_in(_all_orders),
    ("GET", "/api/orders/admin/stats"): _signed_in(lambda api, call, tail: _data(SALES)),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: FakeShopApi

    def setup(self) -> None:
        super().setup()
        self.api.connections += 1
        self.api.open_sockets.append(self.connection)

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(self.command, parts.path, query, headers, body)
        self.api.calls.append(call)
        self._send(self.api.answer(call))

    do_POST = do_PATCH = do_DELETE = do_GET

    def _send(self, reply: Reply) -> None:
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        content = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *values: object) -> None:
        """Says nothing: tests read `calls`."""


@contextmanager
def fake_shop_api(port: int = 0) -> Iterator[FakeShopApi]:
    """Serves until the block ends."""
    api = FakeShopApi()
    handler = type("Handler", (_Handler,), {"api": api})
    with http_thread(handler, port) as bound_port:
        api.url = f"http://127.0.0.1:{bound_port}"
        yield api
