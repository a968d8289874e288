"""What the shop sold: the figures of the admin's page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping

from backend.services.orders import TRANSITIONS
from backend.services.shop import Shop
from backend.storage import sales as storage

_BEST_SELLERS = 10
_LOW_STOCK, _LOW_STOCK_SHOWN = 10, 20
_NOTHING = Decimal("0.00")


def statistics(shop: Shop, days: int) -> dict[str, Any]:
    """Orders by status, revenue, customers and products on sale; sales by day and best sellers of the last days.

    Days are those of UTC, today among them. Revenue is of all orders that were not cancelled, in EUR.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=days - 1)
    with shop.database.reader.connect() as connection:
        found = storage.by_status(connection)
        sold = storage.by_day(connection, since)
        best = storage.best_sellers(connection, since, _BEST_SELLERS)
        low = storage.low_stock(connection, _LOW_STOCK, _LOW_STOCK_SHOWN)
        customers, products = storage.count_customers(connection), storage.count_products(connection)
    return {
        **_totals(found),
        "currency": "EUR",
        "customers": customers,
        "products": products,
        "days": days,
        "sales_by_day": [_day(since.date() + timedelta(days=number), sold) for number in range(days)],
        "best_sellers": [
            {"product": _product(row), "quantity": row["quantity"], "revenue": row["revenue"]} for row in best
        ],
        "low_stock": [{"product": _product(row), "stock": row["stock"]} for row in low],
    }


def _totals(found: Mapping[str, tuple[int, Decimal]]) -> dict[str, Any]:
    sold = [sums for status, sums in found.items() if status != "cancelled"]
    count, revenue = sum(sums[0] for sums in sold), sum((sums[1] for sums in sold), _NOTHING)
    return {
        "orders": sum(sums[0] for sums in found.values()),
        "by_status": {status: found.get(status, (0, _NOTHING))[0] for status in TRANSITIONS},
        "revenue": revenue,
        "average_order": (revenue / count).quantize(_NOTHING) if count else _NOTHING,
    }


def _day(day: date, sold: Mapping[date, RowMapping]) -> dict[str, Any]:
    row = sold.get(day)
    return {"day": day, "orders": row["orders"] if row else 0, "revenue": row["revenue"] if row else _NOTHING}


def _product(row: RowMapping) -> dict[str, Any]:
    return {"id": row["id"], "slug": row["slug"], "name": row["name"]}
