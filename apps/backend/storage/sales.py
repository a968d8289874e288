"""What was sold, summed up in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, DateTime, Integer, RowMapping, bindparam, cast, func, select
from sqlalchemy.engine import Connection

from backend.tables import order_items, orders, products, users

_SOLD = orders.c.status != "cancelled"
_SINCE = orders.c.created_at >= bindparam("since", type_=DateTime(timezone=True))
_DAY = cast(func.timezone("UTC", orders.c.created_at), Date)
_PIECES = func.sum(order_items.c.quantity)
_LIMIT: Any = bindparam("limit", type_=Integer)

# Made once: to put a statement together costs as much as to run it.
_BY_STATUS = select(orders.c.status, func.count(), func.sum(orders.c.total)).group_by(orders.c.status)
_CUSTOMERS = select(func.count()).select_from(users).where(users.c.role == "customer")
_ON_SALE = select(func.count()).select_from(products).where(products.c.status == "active")
_BY_DAY = select(_DAY.label("day"), func.count().label("orders"), func.sum(orders.c.total).label("revenue"))
_BY_DAY = _BY_DAY.where(_SOLD, _SINCE).group_by(_DAY)
_BEST = (
    select(
        products.c.id,
        products.c.slug,
        products.c.name,
        _PIECES.label("quantity"),
        func.sum(order_items.c.quantity * order_items.c.unit_price).label("revenue"),
    )
    .join(order_items, order_items.c.product_id == products.c.id)
    .join(orders, orders.c.id == order_items.c.order_id)
    .where(_SOLD, _SINCE)
    .group_by(products.c.id)
    .order_by(_PIECES.desc(), products.c.id)
    .limit(_LIMIT)
)
_LOW = (
    select(products.c.id, products.c.slug, products.c.name, products.c.stock)
    .where(products.c.status == "active", products.c.stock <= bindparam("at_most", type_=Integer))
    .order_by(products.c.stock, products.c.id)
    .limit(_LIMIT)
)


def by_status(connection: Connection) -> dict[str, tuple[int, Decimal]]:
    """How many orders have a status, and what they come to."""
    return {status: (count, total) for status, count, total in connection.execute(_BY_STATUS)}


def by_day(connection: Connection, since: datetime) -> dict[date, RowMapping]:
    """Orders and revenue of every day in UTC since a moment, on which something was sold; cancelled orders left out."""
    return {row["day"]: row for row in connection.execute(_BY_DAY, {"since": since}).mappings()}


def best_sellers(connection: Connection, since: datetime, limit: int) -> Sequence[RowMapping]:
    """The products of which most pieces were sold since a moment; cancelled orders left out."""
    return connection.execute(_BEST, {"since": since, "limit": limit}).mappings().all()


def low_stock(connection: Connection, at_most: int, limit: int) -> Sequence[RowMapping]:
    """Products on sale of which few pieces are left, the fewest first."""
    return connection.execute(_LOW, {"at_most": at_most, "limit": limit}).mappings().all()


def count_customers(connection: Connection) -> int:
    """How many customers there are."""
    return connection.execute(_CUSTOMERS).scalar_one()


def count_products(connection: Connection) -> int:
    """How many products are on sale."""
    return connection.execute(_ON_SALE).scalar_one()
