"""Orders in the database, once they are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Integer, RowMapping, bindparam, func, select, text, update
from sqlalchemy.engine import Connection

from backend.tables import order_items, orders, products, users

# Made once: to put a statement together costs as much as to run it.
_ALL_ORDERS = (
    select(orders, users.c.email)
    .join(users, users.c.id == orders.c.user_id)
    .order_by(orders.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
    .offset(bindparam("skipped", type_=Integer))
)
_COUNT = select(func.count()).select_from(orders)
_OF_USER = orders.c.user_id == bindparam("user")
_OF_STATUS = orders.c.status == bindparam("status")
# By which of a user and a status orders are chosen: a page of them, and how many there are.
_CHOSEN = {
    wanted: (_ALL_ORDERS.where(*conditions), _COUNT.where(*conditions))
    for wanted, conditions in {
        (): (),
        ("user",): (_OF_USER,),
        ("status",): (_OF_STATUS,),
        ("user", "status"): (_OF_USER, _OF_STATUS),
    }.items()
}
_ITEMS = (
    select(order_items, products.c.slug, products.c.name)
    .join(products, products.c.id == order_items.c.product_id)
    .where(order_items.c.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(order_items.c.product_id)
)
# Products are locked in the order of their ids, as a checkout does.
_RETURN = text("""
WITH item AS (
  SELECT product_id, quantity FROM order_items JOIN products ON id = product_id WHERE order_id = :order
  ORDER BY product_id FOR NO KEY UPDATE OF products
)
UPDATE products SET stock = stock + quantity FROM item WHERE id = product_id RETURNING id
""")


def by_key(connection: Connection, user_id: int, idempotency_key: str) -> RowMapping | None:
    """The order that a user made with an idempotency key."""
    query = select(orders).where(orders.c.user_id == user_id, orders.c.idempotency_key == idempotency_key)
    return connection.execute(query).mappings().one_or_none()


def by_id(connection: Connection, order_id: int, user_id: int | None, lock: bool = False) -> RowMapping | None:
    """An order; of one user, or of anyone where `user_id` is None."""
    query = select(orders).where(orders.c.id == order_id)
    if user_id is not None:
        query = query.where(orders.c.user_id == user_id)
    if lock:
        query = query.with_for_update()
    return connection.execute(query).mappings().one_or_none()


def return_stock(connection: Connection, order_id: int) -> Sequence[int]:
    """Gives back what a locked order took; returns the ids of its products."""
    return connection.execute(_RETURN, {"order": order_id}).scalars().all()


def set_status(connection: Connection, order_id: int, status: str) -> None:
    """Moves a locked order on."""
    connection.execute(update(orders).where(orders.c.id == order_id).values(status=status))


def page_of(
    connection: Connection, page: int, limit: int, *, user_id: int | None = None, status: str | None = None
) -> tuple[Sequence[RowMapping], int]:
    """One page of orders, the newest first, with the e-mail of who ordered, and how many there are."""
    wanted = {name: value for name, value in (("user", user_id), ("status", status)) if value is not None}
    chosen, count = _CHOSEN[tuple(wanted)]
    skipped = (page - 1) * limit
    rows = connection.execute(chosen, {**wanted, "limit": limit, "skipped": skipped}).mappings().all()
    if 0 < len(rows) < limit:
        return rows, skipped + len(rows)
    return rows, connection.execute(count, wanted).scalar_one()


def items_of(connection: Connection, order_ids: Sequence[int]) -> dict[int, list[RowMapping]]:
    """The items of orders, by the order's id."""
    found: dict[int, list[RowMapping]] = defaultdict(list)
    if order_ids:
        for row in connection.execute(_ITEMS, {"orders": list(order_ids)}).mappings():
            found[row["order_id"]].append(row)
    return found
