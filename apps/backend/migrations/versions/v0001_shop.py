"""The shop's first tables: accounts, catalogue, orders."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _accounts()
    _catalogue()
    _orders()


def downgrade() -> None:
    for table in ("order_items", "orders", "products", "categories", "sessions", "users"):
        op.drop_table(table)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True)


def _reference(name: str, target: str, ondelete: str | None = None, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, sa.ForeignKey(target, ondelete=ondelete), **options)


def _created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _accounts() -> None:
    op.create_table(
        "users",
        _id(),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(20), nullable=False, server_default="customer"),
        _created_at(),
        sa.CheckConstraint("role IN ('customer', 'admin')", name="users_role"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        _reference("user_id", "users.id", "CASCADE", nullable=False, index=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        _created_at(),
    )


def _catalogue() -> None:
    op.create_table(
        "categories",
        _id(),
        _reference("parent_id", "categories.id"),
        sa.Column("slug", sa.String(100), nullable=False, unique=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_table(
        "products",
        _id(),
        sa.Column("sku", sa.String(40), nullable=False, unique=True),
        sa.Column("slug", sa.String(120), nullable=False, unique=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        sa.Column("price", sa.Numeric(10, 2), nullable=False),
        sa.Column("compare_at_price", sa.Numeric(10, 2)),
        sa.Column("stock", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False, server_default="active"),
        sa.Column("featured", sa.Boolean, nullable=False, server_default=sa.text("false")),
        _reference("category_id", "categories.id", nullable=False, index=True),
        sa.Column("image_url", sa.String(200)),
        _created_at(),
        sa.CheckConstraint("stock >= 0", name="products_stock"),
        sa.CheckConstraint("price > 0", name="products_price"),
        sa.CheckConstraint("status IN ('active', 'draft', 'archived')", name="products_status"),
    )


def _orders() -> None:
    statuses = "'pending', 'paid', 'shipped', 'delivered', 'cancelled'"
    op.create_table(
        "orders",
        _id(),
        _reference("user_id", "users.id", nullable=False),
        sa.Column("status", sa.String(20), nullable=False, server_default="pending"),
        sa.Column("total", sa.Numeric(12, 2), nullable=False),
        sa.Column("shipping_address", JSONB, nullable=False),
        sa.Column("idempotency_key", sa.String(100), nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        _created_at(),
        sa.UniqueConstraint("user_id", "idempotency_key", name="orders_idempotency_key"),
        sa.CheckConstraint(f"status IN ({statuses})", name="orders_status"),
    )
    op.create_index("orders_user_newest", "orders", ["user_id", sa.text("id DESC")])
    op.create_table(
        "order_items",
        _reference("order_id", "orders.id", "CASCADE", primary_key=True),
        _reference("product_id", "products.id", primary_key=True),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("unit_price", sa.Numeric(10, 2), nullable=False),
        sa.CheckConstraint("quantity > 0", name="order_items_quantity"),
    )
    op.create_index("order_items_product", "order_items", ["product_id"])
