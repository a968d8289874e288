"""What those who run the shop may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from frontend.client import BackendClient, segment
from frontend.models import Order, Page, parse_order, parse_page
from frontend.sales import Sales, parse_sales

_parse_orders = parse_page(parse_order)


@dataclass(frozen=True)
class Administration:
    """The backend's routes for admins; every method raises BackendRefused with 401 or 403 for anybody else."""

    client: BackendClient

    def overview(self, token: str, days: int) -> tuple[Sales, Page[Order]]:
        """The figures, with those of the last days by day, and the newest orders; asked for at the same time."""
        return self.client.at_once(
            lambda: self.client.get("/api/orders/admin/stats", parse_sales, {"days": days}, token),
            lambda: self.orders(token, None, 1, limit=8),
        )

    def orders(self, token: str, status: str | None, page: int, limit: int = 25) -> Page[Order]:
        """One page of everyone's orders, the newest first, of one status or of all."""
        query = {"page": page, "limit": limit, "status": status}
        return self.client.get("/api/orders/admin/all", _parse_orders, query, token)

    def move(self, token: str, order_id: str, status: str) -> Order:
        """Moves an order on; raises BackendRefused with 409 where it cannot become that."""
        return self.client.patch(f"/api/orders/{segment(order_id)}/status", parse_order, {"status": status}, token)
