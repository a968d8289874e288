"""Categories and products in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, or_, select
from sqlalchemy.engine import Connection

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

ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "featured": (products.c.featured.desc(), products.c.id),
    "newest": (products.c.created_at.desc(), products.c.id.desc()),
    "price_asc": (products.c.price, products.c.id),
    "price_desc": (products.c.price.desc(), products.c.id),
    "name": (products.c.name, products.c.id),
}


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products, in which order; None does not filter."""

    sort: str = "featured"
    category: int | str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    featured: bool | None = None
    ids: tuple[int, ...] | None = None
    words: str | None = None


def all_categories(connection: Connection) -> Sequence[RowMapping]:
    """Every category, parents and children, in the order they are shown."""
    return connection.execute(select(categories).order_by(categories.c.position, categories.c.id)).mappings().all()


def find_products(
    connection: Connection, wanted: ProductFilter, page: int, limit: int
) -> tuple[Sequence[RowMapping], int]:
    """One page of products, and how many there are on all pages."""
    conditions = _conditions(wanted)
    rows = connection.execute(
        _products().where(*conditions).order_by(*_order(wanted)).limit(limit).offset((page - 1) * limit)
    )
    total = connection.execute(select(func.count()).select_from(products).where(*conditions)).scalar_one()
    return rows.mappings().all(), total


def find_product(connection: Connection, key: int | str) -> RowMapping | None:
    """An active product by its id or slug."""
    column = products.c.id if isinstance(key, int) else products.c.slug
    return connection.execute(_products().where(column == key, _ACTIVE)).mappings().one_or_none()


def suggestions(connection: Connection, words: str, limit: int) -> Sequence[str]:
    """Names of products that hold the words, those that begin with them first."""
    begins = products.c.name.istartswith(words, autoescape=True)
    names = select(products.c.name).where(products.c.name.icontains(words, autoescape=True), _ACTIVE)
    return connection.execute(names.order_by(begins.desc(), products.c.name).limit(limit)).scalars().all()


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
    if wanted.words is not None:
        conditions.append(_holds(wanted.words))
    return conditions


def _holds(words: str) -> ColumnElement[bool]:
    return or_(
        products.c.name.icontains(words, autoescape=True),
        products.c.description.icontains(words, autoescape=True),
    )


def _order(wanted: ProductFilter) -> tuple[ColumnElement[Any], ...]:
    """For a search hits in the name come first, within the order that was asked for."""
    if wanted.words is None:
        return ORDERS[wanted.sort]
    return (products.c.name.icontains(wanted.words, autoescape=True).desc(), *ORDERS[wanted.sort])


def _with_descendants(key: int | str) -> Select[tuple[int]]:
    """The ids of a category and of all below it."""
    column = categories.c.id if isinstance(key, int) else categories.c.slug
    tree = select(categories.c.id).where(column == key).cte("tree", recursive=True)
    below = select(categories.c.id).join(tree, categories.c.parent_id == tree.c.id)
    return select(tree.union_all(below).c.id)
