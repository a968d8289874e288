"""Categories and products in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select
from sqlalchemy.engine import Connection

from backend.storage import search
from backend.tables import categories, order_items, products

_PRODUCT = (
    products.c.id,
    products.c.sku,
    products.c.slug,
    products.c.name,
    products.c.description,
    products.c.price,
    products.c.compare_at_price,
    products.c.stock,
    products.c.status,
    products.c.featured,
    products.c.image_url,
    categories.c.slug.label("category_slug"),
    categories.c.name.label("category_name"),
)

_CATEGORY = (categories.c.id, categories.c.parent_id, categories.c.slug, categories.c.name)
RELEVANCE = "relevance"
ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "featured": (products.c.featured.desc(), products.c.id),
    "newest": (products.c.created_at.desc(), products.c.id.desc()),
    "price_asc": (products.c.price, products.c.id),
    "price_desc": (products.c.price.desc(), products.c.id),
    "name": (products.c.name, products.c.id),
}


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products, in which order; None does not filter. Only with words there is a relevance to sort by."""

    sort: str = "featured"
    category: int | str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    featured: bool | None = None
    ids: tuple[int, ...] | None = None
    in_stock: bool | None = None
    words: str | None = None


def all_categories(connection: Connection) -> Sequence[RowMapping]:
    """Every category, parents and children, in the order they are shown."""
    return connection.execute(select(*_CATEGORY).order_by(categories.c.position, categories.c.id)).mappings().all()


def find_products(
    connection: Connection, wanted: ProductFilter, page: int, limit: int
) -> tuple[Sequence[RowMapping], int]:
    """One page of products, and how many there are on all pages. With words, each row has its `rank`."""
    conditions = _conditions(wanted)
    chosen = _ordered(wanted).where(*conditions).limit(limit).offset((page - 1) * limit)
    rows = connection.execute(chosen)
    total = connection.execute(select(func.count()).select_from(products).where(*conditions)).scalar_one()
    return rows.mappings().all(), total


def find_product(connection: Connection, key: int | str) -> RowMapping | None:
    """An active product by its id or slug."""
    column = products.c.id if isinstance(key, int) else products.c.slug
    return connection.execute(_products().where(column == key, _ACTIVE)).mappings().one_or_none()


def suggestions(connection: Connection, words: str, limit: int) -> Sequence[str]:
    """Names of products that hold the words, the last as a beginning; those that begin with them first."""
    holds = search.names_holding(words)
    if holds is None:
        return []
    begins = products.c.name.istartswith(words, autoescape=True)
    names = select(products.c.name).where(holds, _ACTIVE).order_by(begins.desc(), products.c.name)
    return connection.execute(names.limit(limit)).scalars().all()


def popular_names(connection: Connection, limit: int) -> Sequence[str]:
    """Names of the products that sold most; featured ones where sales are equal."""
    sold = (
        select(order_items.c.product_id, func.sum(order_items.c.quantity).label("quantity"))
        .group_by(order_items.c.product_id)
        .subquery()
    )
    names = select(products.c.name).outerjoin(sold, sold.c.product_id == products.c.id).where(_ACTIVE)
    order = (func.coalesce(sold.c.quantity, 0).desc(), products.c.featured.desc(), products.c.id)
    return connection.execute(names.order_by(*order).limit(limit)).scalars().all()


_ACTIVE = products.c.status == "active"


def _products() -> Select[tuple[object, ...]]:
    return select(*_PRODUCT).join(categories, categories.c.id == products.c.category_id)


def _ordered(wanted: ProductFilter) -> Select[tuple[object, ...]]:
    if wanted.words is None:
        return _products().order_by(*ORDERS[wanted.sort])
    rank, begun_rank = search.ranks(wanted.words)
    best_first = (rank.desc(), begun_rank.desc(), *ORDERS["featured"])
    return _products().add_columns(rank.label("rank")).order_by(*ORDERS.get(wanted.sort, best_first))


def _conditions(wanted: ProductFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [_ACTIVE]
    if wanted.category is not None:
        conditions.append(products.c.category_id.in_(_with_descendants(wanted.category)))
    if wanted.min_price is not None:
        conditions.append(products.c.price >= wanted.min_price)
    if wanted.max_price is not None:
        conditions.append(products.c.price <= wanted.max_price)
    if wanted.featured is not None:
        conditions.append(products.c.featured == wanted.featured)
    if wanted.ids is not None:
        conditions.append(products.c.id.in_(wanted.ids))
    if wanted.in_stock is not None:
        conditions.append((products.c.stock > 0) == wanted.in_stock)
    if wanted.words is not None:
        conditions.append(search.finding(wanted.words))
    return conditions


def _with_descendants(key: int | str) -> Select[tuple[int]]:
    return search.with_descendants((categories.c.id if isinstance(key, int) else categories.c.slug) == key)
