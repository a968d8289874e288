"""Orders: stock is taken in one transaction, an idempotency key makes a repeat harmless."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.engine import Connection

from backend.cache import stock_tags
from backend.errors import ApiError, not_found
from backend.services.accounts import Identity
from backend.services.catalog import pages
from backend.services.shop import Shop
from backend.storage import checkout as checkouts
from backend.storage import orders as storage

# Which status may follow which.
TRANSITIONS = {
    "pending": frozenset({"paid", "cancelled"}),
    "paid": frozenset({"shipped", "cancelled"}),
    "shipped": frozenset({"delivered"}),
    "delivered": frozenset[str](),
    "cancelled": frozenset[str](),
}
# What a checkout is refused for.
_WORST_FIRST = ("not_on_sale", "out_of_stock", "price_changed")


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a customer orders: quantities by product id, where it goes, and the prices they were shown, if told."""

    quantities: Mapping[int, int]
    shipping_address: Mapping[str, str]
    prices: Mapping[int, Decimal] = field(default_factory=dict)

    def digest(self) -> str:
        """Tells whether two checkouts ask for the same."""
        content: dict[str, Any] = {"items": sorted(self.quantities.items()), "address": dict(self.shipping_address)}
        if self.prices:
            content["prices"] = sorted((key, str(price)) for key, price in self.prices.items())
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def place(shop: Shop, identity: Identity, checkout: Checkout, idempotency_key: str) -> tuple[dict[str, Any], bool]:
    """Makes an order, or finds the one made with this key; says whether it is new.

    Raises ApiError: 409 for products that are not on sale, not in stock or at another price than was told, with a field
    for each; 422 where the key was used for another checkout.
    """
    digest = checkout.digest()
    order = {"user": identity.user_id, "address": checkout.shipping_address, "key": idempotency_key, "digest": digest}
    with shop.database.reader.connect() as connection:
        lines = checkouts.place(connection, checkout.quantities, checkout.prices, order)
        is_new = lines[0]["id"] is not None
        made = (
            _shown(lines[0], lines) if is_new else _made_before(connection, identity.user_id, idempotency_key, digest)
        )
    if made is None:
        raise _refusal(lines)
    # After a repeat too: the process that made the order may have ended before it threw anything out.
    shop.cache.drop(stock_tags(checkout.quantities))
    return made, is_new


def mine(shop: Shop, identity: Identity, status: str | None, page: int, limit: int) -> dict[str, Any]:
    """A page of the user's orders, or of those with a status, the newest first."""
    return _page(shop, page, limit, user_id=identity.user_id, status=status)


def everyones(shop: Shop, status: str | None, page: int, limit: int) -> dict[str, Any]:
    """A page of all orders, or of those with a status, each with its user's e-mail address."""
    return _page(shop, page, limit, status=status)


def one(shop: Shop, identity: Identity, order_id: int) -> dict[str, Any]:
    """One order of the user; an admin sees everyone's. Raises ApiError 404."""
    with shop.database.reader.connect() as connection:
        return _one(connection, order_id, None if identity.role == "admin" else identity.user_id)


def cancel(shop: Shop, identity: Identity, order_id: int) -> dict[str, Any]:
    """Cancels the user's order and gives its stock back. Raises ApiError 404, 409."""
    return _move(shop, order_id, "cancelled", identity.user_id)


def set_status(shop: Shop, order_id: int, status: str) -> dict[str, Any]:
    """Moves anyone's order on. Raises ApiError 404, 409."""
    return _move(shop, order_id, status, None)


def _made_before(connection: Connection, user_id: int, key: str, digest: str) -> dict[str, Any] | None:
    """The order that a user made with a key, also where its products cannot be had any more."""
    order = storage.by_key(connection, user_id, key)
    if order is None:
        return None
    if order["request_digest"] != digest:
        raise ApiError(422, "idempotency_key_reused", "the Idempotency-Key was used for another checkout")
    return _shown(order, storage.items_of(connection, [order["id"]])[order["id"]])


def _refusal(lines: Sequence[RowMapping]) -> ApiError:
    """409 with what is wrong with each product; the code is that of the worst."""
    problems = {line["product_id"]: _problem(line) for line in lines if not line["granted"]}
    if not problems:
        return ApiError(409, "conflict", "the order is being changed, try again")
    code = min((code for code, _message in problems.values()), key=_WORST_FIRST.index)
    fields = {f"items.{product_id}": message for product_id, (_code, message) in problems.items()}
    return ApiError(409, code, "; ".join(fields.values()), fields=fields)


def _problem(line: RowMapping) -> tuple[str, str]:
    name = line["name"] or f"product {line['product_id']}"
    if not line["on_sale"]:
        return "not_on_sale", f"{name} is not on sale"
    if line["stock"] < line["quantity"]:
        return "out_of_stock", f"only {line['stock']} of {name} left"
    return "price_changed", f"{name} costs {line['unit_price']} EUR now"


def _move(shop: Shop, order_id: int, status: str, user_id: int | None) -> dict[str, Any]:
    with shop.database.writer.begin() as connection:
        order = storage.by_id(connection, order_id, user_id, lock=True)
        if order is None:
            raise not_found("order")
        if status not in TRANSITIONS[order["status"]]:
            raise ApiError(409, "wrong_status", f"an order that is {order['status']} cannot become {status}")
        returned = storage.return_stock(connection, order_id) if status == "cancelled" else []
        storage.set_status(connection, order_id, status)
        moved = _shown({**order, "status": status}, storage.items_of(connection, [order_id])[order_id])
    if returned:
        shop.cache.drop(stock_tags(returned))
    return moved


def _one(connection: Connection, order_id: int, user_id: int | None) -> dict[str, Any]:
    order = storage.by_id(connection, order_id, user_id)
    if order is None:
        raise not_found("order")
    return _shown(order, storage.items_of(connection, [order_id])[order_id])


def _page(
    shop: Shop, page: int, limit: int, *, user_id: int | None = None, status: str | None = None
) -> dict[str, Any]:
    with shop.database.reader.connect() as connection:
        rows, total = storage.page_of(connection, page, limit, user_id=user_id, status=status)
        items = storage.items_of(connection, [row["id"] for row in rows])
    shown = [_shown(row, items[row["id"]]) | ({} if user_id else {"email": row["email"]}) for row in rows]
    return {"items": shown, "page": page, "limit": limit, "total": total, "pages": pages(total, limit)}


def _shown(order: RowMapping | dict[str, Any], items: Sequence[RowMapping]) -> dict[str, Any]:
    return {
        "id": order["id"],
        "number": f"{order['id']:08d}",
        "status": order["status"],
        "total": order["total"],
        "currency": "EUR",
        "shipping_address": order["shipping_address"],
        "created_at": order["created_at"],
        "items": [_item(item) for item in items],
    }


def _item(item: RowMapping) -> dict[str, Any]:
    product = {"id": item["product_id"], "slug": item["slug"], "name": item["name"]}
    return {"product": product, "quantity": item["quantity"], "unit_price": item["unit_price"]}
