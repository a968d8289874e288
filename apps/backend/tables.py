"""The tables of the shop as the newest migration leaves them; it is the migrations that make them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=False), primary_key=True)


def _created_at() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _kept_by_postgresql(name: str, expression: str) -> Column[object]:
    """A search vector; its expression as PostgreSQL prints it, or alembic takes it for another one."""
    return Column(name, TSVECTOR, Computed(expression, persisted=True), nullable=False)


users = Table(
    "users",
    metadata,
    _id(),
    Column("email", String(254), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("role", String(20), nullable=False, server_default="customer"),
    _created_at(),
    CheckConstraint("role IN ('customer', 'admin')", name="users_role"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("revoked_at", DateTime(timezone=True)),
    _created_at(),
    Column("last_seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("user_agent", String(60)),
)

categories = Table(
    "categories",
    metadata,
    _id(),
    Column("parent_id", ForeignKey("categories.id")),
    Column("slug", String(100), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
    _kept_by_postgresql("search", "to_tsvector('english'::regconfig, name::text)"),
)

products = Table(
    "products",
    metadata,
    _id(),
    Column("sku", String(40), nullable=False, unique=True),
    Column("slug", String(120), nullable=False, unique=True),
    Column("name", String(120), nullable=False),
    Column("description", String(2000), nullable=False),
    Column("price", Numeric(10, 2), nullable=False),
    Column("compare_at_price", Numeric(10, 2)),
    Column("stock", Integer, nullable=False),
    Column("status", String(20), nullable=False, server_default="active"),
    Column("featured", Boolean, nullable=False, server_default=text("false")),
    Column("category_id", ForeignKey("categories.id"), nullable=False, index=True),
    Column("image_url", String(200)),
    _created_at(),
    _kept_by_postgresql(
        "search",
        """setweight(to_tsvector('simple'::regconfig, name::text), 'A'::"char")
        || setweight(to_tsvector('english'::regconfig, name::text), 'A'::"char")
        || setweight(to_tsvector('simple'::regconfig, sku::text), 'B'::"char")
        || setweight(to_tsvector('english'::regconfig, description::text), 'C'::"char")""",
    ),
    CheckConstraint("stock >= 0", name="products_stock"),
    CheckConstraint("price > 0", name="products_price"),
    CheckConstraint("status IN ('active', 'draft', 'archived')", name="products_status"),
)
Index("products_search", products.c.search, postgresql_using="gin", postgresql_with={"fastupdate": "off"})

orders = Table(
    "orders",
    metadata,
    _id(),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("status", String(20), nullable=False, server_default="pending"),
    Column("total", Numeric(12, 2), nullable=False),
    Column("shipping_address", JSONB, nullable=False),
    Column("idempotency_key", String(100), nullable=False),
    Column("request_digest", String(64), nullable=False),
    _created_at(),
    UniqueConstraint("user_id", "idempotency_key", name="orders_idempotency_key"),
    CheckConstraint("status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled')", name="orders_status"),
)
Index("orders_user_newest", orders.c.user_id, orders.c.id.desc())

order_items = Table(
    "order_items",
    metadata,
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("product_id", ForeignKey("products.id"), primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", Numeric(10, 2), nullable=False),
    CheckConstraint("quantity > 0", name="order_items_quantity"),
)
Index("order_items_product", order_items.c.product_id)
