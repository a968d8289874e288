"""Orders: stock is taken in one transaction, an idempotency key makes a repeat harmless."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.engine import Connection

from backend.cache import product_tag
from backend.errors import ApiError, invalid, not_found
from backend.services.accounts import Identity
from backend.services.catalog import pages
from backend.services.shop import Shop
from backend.storage import orders as storage

# Which status may follow which.
TRANSITIONS = {
    "pending": frozenset({"paid", "cancelled"}),
    "paid": frozenset({"shipped", "cancelled"}),
    "shipped": frozenset({"delivered"}),
    "delivered": frozenset[str](),
    "cancelled": frozenset[str](),
}


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a customer orders: quantities by product id, and where it goes."""

    quantities: Mapping[int, int]
    shipping_address: Mapping[str, str]

    def digest(self) -> str:
        """Tells whether two checkouts ask for the same."""
        content = {"items": sorted(self.quantities.items()), "address": dict(self.shipping_address)}
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def place(shop: Shop, identity: Identity, checkout: Checkout, idempotency_key: str) -> tuple[dict[str, Any], bool]:
    """Makes an order, or finds the one made with this key; says whether it is new.

    Raises ApiError: 400 for products that are not on sale, 409 where stock does not suffice, 422 where the key was
    used for another checkout.
    """
    with shop.database.writer.begin() as connection:
        order_id = storage.add(connection, _new_order(identity, checkout, idempotency_key))
        if order_id is None:
            return _repeated(connection, identity, checkout, idempotency_key), False
        _take_stock(connection, order_id, checkout)
        order = _one(connection, order_id, identity.user_id)
    shop.cache.drop(map(product_tag, checkout.quantities))
    return order, True


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


def _new_order(identity: Identity, checkout: Checkout, idempotency_key: str) -> dict[str, Any]:
    return {
        "user_id": identity.user_id,
        "total": Decimal(0),
        "shipping_address": dict(checkout.shipping_address),
        "idempotency_key": idempotency_key,
        "request_digest": checkout.digest(),
    }


def _repeated(connection: Connection, identity: Identity, checkout: Checkout, idempotency_key: str) -> dict[str, Any]:
    order = storage.by_key(connection, identity.user_id, idempotency_key)
    if order is None:
        raise ApiError(409, "conflict", "the order is being changed, try again")
    if order["request_digest"] != checkout.digest():
        raise ApiError(422, "idempotency_key_reused", "the Idempotency-Key was used for another checkout")
    return _shown(order, storage.items_of(connection, [order["id"]])[order["id"]])


def _take_stock(connection: Connection, order_id: int, checkout: Checkout) -> None:
    products = storage.lock_products(connection, checkout.quantities)
    for product_id, quantity in checkout.quantities.items():
        _check(products.get(product_id), product_id, quantity)
    storage.change_stock(connection, {key: -quantity for key, quantity in checkout.quantities.items()})
    items = [
        {"product_id": key, "quantity": quantity, "unit_price": products[key]["price"]}
        for key, quantity in checkout.quantities.items()
    ]
    total = sum((item["unit_price"] * item["quantity"] for item in items), Decimal(0))
    storage.complete(connection, order_id, total, items)


def _check(product: RowMapping | None, product_id: int, quantity: int) -> None:
    if product is None or product["status"] != "active":
        raise invalid(items=f"product {product_id} is not on sale")
    if product["stock"] < quantity:
        message = f"only {product['stock']} of {product['name']} left"
        raise ApiError(409, "out_of_stock", message, fields={"items": f"product {product_id}: {message}"})


def _move(shop: Shop, order_id: int, status: str, user_id: int | None) -> dict[str, Any]:
    with shop.database.writer.begin() as connection:
        order = storage.by_id(connection, order_id, user_id, lock=True)
        if order is None:
            raise not_found("order")
        if status not in TRANSITIONS[order["status"]]:
            raise ApiError(409, "wrong_status", f"an order that is {order['status']} cannot become {status}")
        returned = _return_stock(connection, order_id) if status == "cancelled" else []
        storage.set_status(connection, order_id, status)
        moved = _one(connection, order_id, user_id)
    if returned:
        shop.cache.drop(map(product_tag, returned))
    return moved


def _return_stock(connection: Connection, order_id: int) -> list[int]:
    items = storage.items_of(connection, [order_id])[order_id]
    quantities = {item["product_id"]: item["quantity"] for item in items}
    storage.lock_products(connection, quantities)
    storage.change_stock(connection, quantities)
    return list(quantities)


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


def _shown(order: RowMapping, items: Sequence[RowMapping]) -> dict[str, Any]:
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
