"""Routes of orders; all need a token, some an admin's."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated

from flask import Blueprint, Response

from backend.answers import success
from backend.errors import ApiError
from backend.fields import ID_HIGHEST, Choice, Id, Object, Objects, Price, Text, Whole
from backend.services import orders as service
from backend.services import sales
from backend.services.accounts import Identity
from backend.services.orders import TRANSITIONS, Checkout
from backend.shapes import CustomersOrderPage, Order, OrderPage, Statistics
from backend.views.common import Paging, limit_general, shop
from backend.views.contract import contract

_COUNTRY = Text(2, 2, "[A-Za-z]{2}", example="GB", must_be="must be a country's two letters (ISO 3166-1)")
_KEY = Text(100, pattern=r"[!-~]+", example="cart-4711", must_be="must be 1 to 100 visible ASCII characters")
_REPLAYED = {"Idempotency-Replayed": "true where this is the order that the key has made before"}
_STATUS = Choice(tuple(TRANSITIONS))
OrderId = Annotated[int, Id("order"), "the order's id"]

blueprint = Blueprint("orders", __name__, url_prefix="/api/orders")
blueprint.before_request(limit_general)


@dataclass(frozen=True, slots=True)
class CheckoutItem:
    """A product of a checkout."""

    product_id: Annotated[int, Whole(1, ID_HIGHEST), "the product's id"]
    quantity: Annotated[int, Whole(1, 99, example=2), "pieces"]
    unit_price: Annotated[Decimal | None, Price("45.00"), "what the customer was shown that it costs"] = None


@dataclass(frozen=True, slots=True)
class CheckoutAddress:
    """Where a checkout goes."""

    name: Annotated[str, Text(100, example="Ada Lovelace"), "who receives it"]
    street: Annotated[str, Text(200, example="1 Long Lane"), "street and number"]
    city: Annotated[str, Text(100, example="Leeds"), "city"]
    postal_code: Annotated[str, Text(20, example="LS1 1AA"), "postal code"]
    country: Annotated[str, _COUNTRY, "ISO 3166-1, two letters"]


@dataclass(frozen=True, slots=True)
class CheckoutBody:
    """What is ordered; a product that is named twice is ordered once with both quantities."""

    items: Annotated[list[CheckoutItem], Objects(CheckoutItem, 1, 50), "the products"]
    shipping_address: Annotated[CheckoutAddress, Object(CheckoutAddress), "where it goes"]


@dataclass(frozen=True, slots=True)
class CheckoutHeaders:
    """The client's key; a request without one is its own."""

    idempotency_key: Annotated[
        str | None, _KEY, "names the checkout: a repeat with the same key answers with the first order"
    ] = None


@dataclass(frozen=True, slots=True)
class OrderQuery(Paging):
    """Which orders."""

    status: Annotated[str | None, _STATUS, "only those of this status"] = None


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """How far back the figures of days go."""

    days: Annotated[int, Whole(1, 366, example=30), "the last days in UTC, today among them"] = 30


@dataclass(frozen=True, slots=True)
class StatusChange:
    """How an order goes on."""

    status: Annotated[str, _STATUS, "the status from now on"]


@blueprint.get("")
@contract("One's own orders, the newest first", access="user", data=OrderPage)
def mine(who: Identity, query: OrderQuery) -> Response:
    return success(service.mine(shop(), who, query.status, query.page, query.limit))


@blueprint.post("")
@contract(
    "Order products",
    access="user",
    data=Order,
    status=201,
    headers=_REPLAYED,
    errors=("not_on_sale", "out_of_stock", "price_changed", "conflict", "idempotency_key_reused"),
)
def place(who: Identity, headers: CheckoutHeaders, body: CheckoutBody) -> Response:
    address = asdict(body.shipping_address) | {"country": body.shipping_address.country.upper()}
    key = headers.idempotency_key or uuid.uuid4().hex
    order, is_new = service.place(shop(), who, Checkout(_quantities(body.items), address, _prices(body.items)), key)
    return success(order, 201, {} if is_new else {"Idempotency-Replayed": "true"})


@blueprint.get("/<order>")
@contract("One of one's orders; for an admin anyone's", access="user", data=Order)
def one(who: Identity, order: OrderId) -> Response:
    return success(service.one(shop(), who, order))


@blueprint.post("/<order>/cancel")
@contract("Cancel one's order, whose stock returns", access="user", data=Order, errors=("wrong_status",))
def cancel(who: Identity, order: OrderId) -> Response:
    return success(service.cancel(shop(), who, order))


@blueprint.patch("/<order>/status")
@contract("Move an order on", access="admin", data=Order, errors=("wrong_status",))
def set_status(order: OrderId, body: StatusChange) -> Response:
    return success(service.set_status(shop(), order, body.status))


@blueprint.get("/admin/all")
@contract("Everyone's orders, the newest first", access="admin", data=CustomersOrderPage)
def everyones(query: OrderQuery) -> Response:
    return success(service.everyones(shop(), query.status, query.page, query.limit))


@blueprint.get("/admin/stats")
@contract("What the shop sold", access="admin", data=Statistics)
def statistics(query: StatisticsQuery) -> Response:
    return success(sales.statistics(shop(), query.days))


def _quantities(items: list[CheckoutItem]) -> dict[int, int]:
    quantities = Counter[int]()
    for item in items:
        quantities[item.product_id] += item.quantity
    return dict(quantities)


def _prices(items: list[CheckoutItem]) -> dict[int, Decimal]:
    prices: dict[int, Decimal] = {}
    for item in items:
        price = item.unit_price
        if price is not None and prices.setdefault(item.product_id, price) != price:
            message = "a product is told to cost two prices"
            raise ApiError(409, "price_changed", message, fields={f"items.{item.product_id}": message})
    return prices
