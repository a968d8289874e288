"""Full text search: vectors that PostgreSQL keeps of products and categories, with their indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A name as it is, for beginnings of words, and by its stems; the number of the article; the description.
_PRODUCT = (
    "setweight(to_tsvector('simple'::regconfig, name::text), 'A')"
    " || setweight(to_tsvector('english'::regconfig, name::text), 'A')"
    " || setweight(to_tsvector('simple'::regconfig, sku::text), 'B')"
    " || setweight(to_tsvector('english'::regconfig, description::text), 'C')"
)
_CATEGORY = "to_tsvector('english'::regconfig, name::text)"


def upgrade() -> None:
    for table, expression in (("categories", _CATEGORY), ("products", _PRODUCT)):
        op.add_column(table, sa.Column("search", TSVECTOR, sa.Computed(expression, persisted=True), nullable=False))
    # Searched far more often than written: what is written goes into the index at once, not into a list beside it.
    options = {"fastupdate": "off"}
    op.create_index("products_search", "products", ["search"], postgresql_using="gin", postgresql_with=options)


def downgrade() -> None:
    op.drop_index("products_search", "products")
    for table in ("products", "categories"):
        op.drop_column(table, "search")
