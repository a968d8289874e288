"""Orders of the one who is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from frontend.cart import Cart, CartLine
from frontend.client import BackendClient, segment
from frontend.models import Address, Order, Page, ProductId, parse_order, parse_page

_parse_orders = parse_page(parse_order)


@dataclass(frozen=True)
class Orders:
    """The backend's orders; every method raises BackendRefused with 401 when the token holds no longer."""

    client: BackendClient

    def place(
        self, token: str, cart: Cart, shown_prices: Mapping[ProductId, str], address: Address, idempotency_key: str
    ) -> Order:
        """Orders what is in the cart; the same key orders once, however often it is sent.

        A product whose price is not the one that was shown is refused by BackendRefused with 409.
        """
        items = [_item(line, shown_prices.get(line.product_id)) for line in cart.lines]
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


def _item(line: CartLine, shown_price: str | None) -> dict[str, Any]:
    item = {"product_id": line.product_id, "quantity": line.quantity}
    return item if shown_price is None else {**item, "unit_price": shown_price}
