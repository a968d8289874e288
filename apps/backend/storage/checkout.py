"""A checkout in the database: one statement takes the stock and makes the order, or does neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Integer, Numeric, RowMapping, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Connection

# Products are locked in the order of their ids, so that no two checkouts wait for each other. A lock that was waited
# for gives the row as it then is, and so does the update (PostgreSQL's manual, 13.2.1, Read Committed). The locks are
# held by this one statement: no customer waits for a process that has other things to do meanwhile.
_PLACE = text("""
WITH wanted AS (
  SELECT * FROM unnest(:products, :quantities, :prices) AS wanted (product_id, quantity, expected_price)
), locked AS (
  SELECT id, slug, name, price AS unit_price, stock, status = 'active' AS on_sale FROM products
  WHERE id = ANY (:products) ORDER BY id FOR NO KEY UPDATE
), line AS (
  SELECT product_id, quantity, expected_price, slug, name, unit_price, stock, on_sale,
    (on_sale AND stock >= quantity AND unit_price = coalesce(expected_price, unit_price)) IS TRUE AS granted
  FROM wanted LEFT JOIN locked ON id = product_id
), made AS (
  INSERT INTO orders (user_id, total, shipping_address, idempotency_key, request_digest)
  SELECT :user, sum(unit_price * quantity), :address, :key, :digest FROM line HAVING bool_and(granted)
  ON CONFLICT ON CONSTRAINT orders_idempotency_key DO NOTHING
  RETURNING id, status, total, shipping_address, created_at
), taken AS (
  UPDATE products SET stock = products.stock - quantity FROM line, made WHERE products.id = product_id
), kept AS (
  INSERT INTO order_items (order_id, product_id, quantity, unit_price)
  SELECT made.id, product_id, quantity, unit_price FROM line, made
)
SELECT line.*, made.* FROM line LEFT JOIN made ON true ORDER BY product_id
""").bindparams(
    bindparam("products", type_=ARRAY(BigInteger)),
    bindparam("quantities", type_=ARRAY(Integer)),
    bindparam("prices", type_=ARRAY(Numeric)),
    bindparam("address", type_=JSONB),
)


def place(
    connection: Connection, quantities: Mapping[int, int], prices: Mapping[int, Decimal], order: Mapping[str, Any]
) -> Sequence[RowMapping]:
    """Makes an order of so many pieces by product id, where all are on sale, there and at the prices expected of them.

    `order` has user, address, key and digest. Returns a line a product, each with the order's columns; its `id` is None
    where nothing was done: a line was not granted, or the user has made an order with this key. A second statement with
    the key waits here until the first is done or given up.
    """
    chosen = list(quantities)
    wanted = {
        "products": chosen,
        "quantities": list(quantities.values()),
        "prices": [prices.get(product_id) for product_id in chosen],
    }
    return connection.execute(_PLACE, {**order, **wanted}).mappings().all()
