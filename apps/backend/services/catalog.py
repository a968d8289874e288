"""The catalogue: categories, products, search; every answer goes through the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import RowMapping

from backend import cache
from backend.errors import not_found
from backend.services.caching import Fresh, Public, read_public
from backend.services.shop import Shop
from backend.storage import catalog as storage
from backend.storage.catalog import ProductFilter
from backend.storage.search import plain_words

_SUGGESTIONS = 8
_POPULAR = 10
_filter_values = attrgetter(*ProductFilter.__slots__)
_SHOWN = (
    "id",
    "sku",
    "slug",
    "name",
    "description",
    "price",
    "compare_at_price",
    "stock",
    "status",
    "featured",
    "image_url",
)


def categories(shop: Shop) -> Public:
    """The tree of categories."""
    return read_public(shop, "categories", cache.CATEGORIES, lambda: Fresh(_tree(_all_categories(shop))))


def category(shop: Shop, key: int | str) -> Public:
    """One category with its parent and its children. Raises ApiError 404."""
    return read_public(shop, f"category:{key}", cache.CATEGORIES, lambda: Fresh(_category(shop, key)))


def products(shop: Shop, wanted: ProductFilter, page: int, limit: int) -> Public:
    """A page of products."""
    key = "products:" + _key(wanted, page, limit)
    return read_public(shop, key, cache.PRODUCTS, lambda: _product_page(shop, wanted, page, limit))


def product(shop: Shop, key: int | str) -> Public:
    """One product. Raises ApiError 404."""
    return read_public(shop, f"product:{key}", cache.PRODUCTS, lambda: _product(shop, key))


def search(shop: Shop, wanted: ProductFilter, page: int, limit: int) -> Public:
    """A page of products that hold the words or are in a category of that name. Counts what was found, once a miss."""

    def read() -> Fresh:
        rows, total = _find(shop, wanted, page, limit)
        if page == 1 and rows and wanted == ProductFilter(storage.RELEVANCE, words=wanted.words):
            _count_term(shop, wanted.words or "", rows[0]["rank"])
        return _page_of(wanted, page, limit, rows, total)

    return read_public(shop, "search:" + _key(wanted, page, limit), cache.SEARCH, read)


def suggest(shop: Shop, words: str) -> Public:
    """Names that a search could mean."""

    def read() -> Fresh:
        with shop.database.reader.connect() as connection:
            return Fresh(list(storage.suggestions(connection, words, _SUGGESTIONS)))

    return read_public(shop, f"suggest:{words}", cache.SUGGEST, read)


def popular(shop: Shop) -> Public:
    """What is searched for most, filled up with the names of what sells best."""

    def read() -> Fresh:
        with shop.database.reader.connect() as connection:
            names = storage.popular_names(connection, _POPULAR)
        return Fresh(list(dict.fromkeys([*shop.terms.top(_POPULAR), *names]))[:_POPULAR])

    return read_public(shop, "popular", cache.POPULAR, read)


def pages(total: int, limit: int) -> int:
    """How many pages hold so many items."""
    return math.ceil(total / limit)


def _key(wanted: ProductFilter, page: int, limit: int) -> str:
    return ":".join("" if value is None else str(value) for value in (page, limit, *_filter_values(wanted)))


def _all_categories(shop: Shop) -> Sequence[RowMapping]:
    with shop.database.reader.connect() as connection:
        return storage.all_categories(connection)


def _tree(rows: Sequence[RowMapping], parent_id: int | None = None) -> list[dict[str, Any]]:
    return [
        {"id": row["id"], "slug": row["slug"], "name": row["name"], "children": _tree(rows, row["id"])}
        for row in rows
        if row["parent_id"] == parent_id
    ]


def _category(shop: Shop, key: int | str) -> dict[str, Any]:
    rows = _all_categories(shop)
    column = "id" if isinstance(key, int) else "slug"
    found = next((row for row in rows if row[column] == key), None)
    if found is None:
        raise not_found("category")
    parent = next((row for row in rows if row["id"] == found["parent_id"]), None)
    return {
        "id": found["id"],
        "slug": found["slug"],
        "name": found["name"],
        "parent": None if parent is None else {"slug": parent["slug"], "name": parent["name"]},
        "children": _tree(rows, found["id"]),
    }


def _count_term(shop: Shop, typed: str, rank: float) -> None:
    """Counts a search whose words all stand in one product, so that no term says what the shop does not say itself."""
    words = plain_words(typed)
    if words and rank > 0:
        shop.terms.count(" ".join(words))


def _product_page(shop: Shop, wanted: ProductFilter, page: int, limit: int) -> Fresh:
    return _page_of(wanted, page, limit, *_find(shop, wanted, page, limit))


def _find(shop: Shop, wanted: ProductFilter, page: int, limit: int) -> tuple[Sequence[RowMapping], int]:
    with shop.database.reader.connect() as connection:
        return storage.find_products(connection, wanted, page, limit)


def _page_of(wanted: ProductFilter, page: int, limit: int, rows: Sequence[RowMapping], total: int) -> Fresh:
    items = [_shown(row) for row in rows]
    data = {"items": items, "page": page, "limit": limit, "total": total, "pages": pages(total, limit)}
    by_stock = [] if wanted.in_stock is None else [cache.STOCK]
    return Fresh(data, [*map(cache.product_tag, (row["id"] for row in rows)), *by_stock])


def _product(shop: Shop, key: int | str) -> Fresh:
    with shop.database.reader.connect() as connection:
        row = storage.find_product(connection, key)
    if row is None:
        raise not_found("product")
    return Fresh(_shown(row), [cache.product_tag(row["id"])])


def _shown(row: RowMapping) -> dict[str, Any]:
    shown: dict[str, Any] = {name: row[name] for name in _SHOWN}
    shown["category"] = {"slug": row["category_slug"], "name": row["category_name"]}
    shown["currency"] = "EUR"
    return shown
