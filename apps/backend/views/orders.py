"""Routes of orders; all need a token, some an admin's."""

from __future__ import annotations

import re
import uuid
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from backend.answers import success
from backend.errors import invalid, not_found
from backend.requests import id_or_slug, json_object, page_and_limit, parameter, price, text, whole_number
from backend.services import orders as service
from backend.services import sales
from backend.services.orders import TRANSITIONS, Checkout
from backend.views.common import admin, identity, limit_general, shop

_ITEMS_HIGHEST = 50
_QUANTITY_HIGHEST = 99
_PRODUCT_ID_HIGHEST = 10**18 - 1
_DAYS_DEFAULT, _DAYS_HIGHEST = 30, 366
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,100}")
_ADDRESS = {"name": 100, "street": 200, "city": 100, "postal_code": 20}
_COUNTRY = re.compile(r"[A-Za-z]{2}")

blueprint = Blueprint("orders", __name__, url_prefix="/api/orders")
blueprint.before_request(limit_general)


@blueprint.get("")
def mine() -> Response:
    who = identity()
    return success(service.mine(shop(), who, _wanted_status(), *page_and_limit(request.args)))


@blueprint.post("")
def place() -> Response:
    who = identity()
    body = json_object(request)
    items = _items(body)
    checkout = Checkout(_quantities(items), _shipping_address(body), _prices(items))
    order, is_new = service.place(shop(), who, checkout, _idempotency_key())
    return success(order, 201, {} if is_new else {"Idempotency-Replayed": "true"})


@blueprint.get("/<order>")
def one(order: str) -> Response:
    return success(service.one(shop(), identity(), _order_id(order)))


@blueprint.post("/<order>/cancel")
def cancel(order: str) -> Response:
    return success(service.cancel(shop(), identity(), _order_id(order)))


@blueprint.patch("/<order>/status")
def set_status(order: str) -> Response:
    admin()
    status = _status(json_object(request).get("status"))
    return success(service.set_status(shop(), _order_id(order), status))


@blueprint.get("/admin/all")
def everyones() -> Response:
    admin()
    return success(service.everyones(shop(), _wanted_status(), *page_and_limit(request.args)))


@blueprint.get("/admin/stats")
def statistics() -> Response:
    admin()
    days = parameter(request.args, "days", _DAYS_DEFAULT, _DAYS_HIGHEST)
    return success(sales.statistics(shop(), days))


def _wanted_status() -> str | None:
    """The status that a list is asked for; None for all."""
    wanted = request.args.get("status")
    return _status(wanted) if wanted else None


def _status(value: Any) -> str:
    if not isinstance(value, str) or value not in TRANSITIONS:
        raise invalid(status=f"must be one of {', '.join(TRANSITIONS)}")
    return value


def _order_id(value: str) -> int:
    key = id_or_slug(value)
    if not isinstance(key, int):
        raise not_found("order")
    return key


def _idempotency_key() -> str:
    """The client's key; a request without one is its own."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return uuid.uuid4().hex
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid(**{"Idempotency-Key": "must be 1 to 100 visible ASCII characters"})
    return key


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    items = body.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= _ITEMS_HIGHEST:
        raise invalid(items=f"must be a list of 1 to {_ITEMS_HIGHEST} objects")
    if not all(isinstance(item, dict) for item in items):
        raise invalid(items="must be objects with product_id, quantity and, if you like, unit_price")
    return items


def _quantities(items: list[dict[str, Any]]) -> dict[int, int]:
    """Quantities by product id; a product that is named twice is ordered once with both quantities."""
    quantities: dict[int, int] = {}
    for item in items:
        product_id = whole_number(item, "product_id", 1, _PRODUCT_ID_HIGHEST)
        quantity = whole_number(item, "quantity", 1, _QUANTITY_HIGHEST)
        quantities[product_id] = quantities.get(product_id, 0) + quantity
    return quantities


def _prices(items: list[dict[str, Any]]) -> dict[int, Decimal]:
    """By product id, what the customer was shown that it costs, where the client tells."""
    prices: dict[int, Decimal] = {}
    for item in items:
        if not isinstance(item.get("unit_price"), str | None):
            raise invalid(unit_price="must be a text, as the catalogue shows it")
        shown = price(item, "unit_price")
        if shown is not None and prices.setdefault(item["product_id"], shown) != shown:
            raise invalid(unit_price="must be the same for the same product")
    return prices


def _shipping_address(body: dict[str, Any]) -> dict[str, str]:
    address = body.get("shipping_address")
    if not isinstance(address, dict):
        raise invalid(shipping_address="must be an object with name, street, city, postal_code and country")
    country = text(address, "country", 2, 2)
    if not _COUNTRY.fullmatch(country):
        raise invalid(country="must be a country's two letters (ISO 3166-1)")
    return {name: text(address, name, highest) for name, highest in _ADDRESS.items()} | {"country": country.upper()}
