"""Orders of the one who is signed in."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from frontend.cart import Cart
from frontend.client import BackendClient, segment
from frontend.models import Order, Page, parse_order, parse_page

_parse_orders = parse_page(parse_order)


@dataclass(frozen=True)
class Address:
    """Where an order goes; country is an ISO 3166 alpha-2 code."""

    name: str
    street: str
    city: str
    postal_code: str
    country: str


@dataclass(frozen=True)
class Orders:
    """The backend's orders; every method raises BackendRefused with 401 when the token holds no longer."""

    client: BackendClient

    def place(self, token: str, cart: Cart, address: Address, idempotency_key: str) -> Order:
        """Orders what is in the cart; the same key orders once, however often it is sent."""
        items = [{"product_id": line.product_id, "quantity": line.quantity} for line in cart.lines]
        body = {"items": items, "shipping_address": asdict(address)}
        return self.client.post("/api/orders", parse_order, body, token, idempotency_key)

    def page(self, token: str, page: int) -> Page[Order]:
        """One page of the orders, the newest first."""
        return self.client.get("/api/orders", _parse_orders, {"page": page}, token)

    def order(self, token: str, order_id: str) -> Order:
        """One order; raises BackendRefused with 404 when it is not there or another's."""
        return self.client.get(f"/api/orders/{segment(order_id)}", parse_order, token=token)

    def cancel(self, token: str, order_id: str) -> Order:
        """Raises BackendRefused with 409 when it is too late for that."""
        return self.client.post(f"/api/orders/{segment(order_id)}/cancel", parse_order, {}, token)
