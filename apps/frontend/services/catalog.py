"""Products, categories and search."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from frontend.client import BackendClient, segment
from frontend.memory import AnswerMemory
from frontend.models import (
    Category,
    Page,
    Product,
    ProductId,
    parse_categories,
    parse_page,
    parse_product,
    parse_texts,
)

_MOST_PRODUCTS = 100

_parse_products = parse_page(parse_product)


@dataclass(frozen=True)
class ProductQuery:
    """What a list of products is narrowed to; None leaves it open. Prices are decimal strings in EUR."""

    page: int = 1
    limit: int = 24
    category: str | None = None
    sort: str | None = None
    min_price: str | None = None
    max_price: str | None = None
    featured: bool = False


class Catalog:
    """The shop's goods. The category tree, of which most pages show a part, is remembered for a while.

    Lists are asked for each time; what was made of one is used again where the answer is the same.
    """

    def __init__(
        self,
        client: BackendClient,
        categories_ttl_seconds: float,
        lists_memory_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._ttl_seconds, self._clock = client, categories_ttl_seconds, clock
        self._lock = threading.Lock()
        self._lists = AnswerMemory[Page[Product]](lists_memory_bytes)
        self._remembered: tuple[float, tuple[Category, ...]] | None = None

    def products(self, query: ProductQuery) -> Page[Product]:
        """One page of products; raises BackendRefused with 404 for an unknown category."""
        return self._client.get(
            "/api/catalog/products",
            _parse_products,
            {
                "page": query.page,
                "limit": query.limit,
                "category": query.category,
                "sort": query.sort,
                "min_price": query.min_price,
                "max_price": query.max_price,
                "featured": "true" if query.featured else None,
            },
            memory=self._lists,
        )

    def product(self, id_or_slug: ProductId) -> Product:
        """One product; raises BackendRefused with 404 when there is none."""
        return self._client.get(f"/api/catalog/products/{segment(str(id_or_slug))}", parse_product)

    def products_of(self, ids: Iterable[ProductId]) -> dict[ProductId, Product]:
        """Those of some products that the shop has, by their ids; asked for together, a hundred at most."""
        wanted = ",".join(map(str, ids))
        if not wanted:
            return {}
        found = self._client.get("/api/catalog/products", _parse_products, {"ids": wanted, "limit": _MOST_PRODUCTS})
        return {product.id: product for product in found.items}

    def search(self, text: str, page: int, limit: int = 24) -> Page[Product]:
        """Products that fit a text."""
        return self._client.get(
            "/api/search", _parse_products, {"q": text, "page": page, "limit": limit}, memory=self._lists
        )

    def suggestions(self, text: str) -> tuple[str, ...]:
        """Terms near a text that found nothing."""
        return self._client.get("/api/search/suggest", parse_texts, {"q": text})

    def popular_searches(self) -> tuple[str, ...]:
        """What people look for most."""
        return self._client.get("/api/search/popular", parse_texts)

    def categories(self) -> tuple[Category, ...]:
        """The top of the category tree, each with its children."""
        with self._lock:
            remembered = self._remembered
        if remembered and self._clock() < remembered[0]:
            return remembered[1]
        return self._ask_categories()

    def category_trail(self, slug: str) -> tuple[Category, ...]:
        """The way from the top of the tree to a category; empty when there is none of this name."""
        return trail_to(slug, self.categories()) or trail_to(slug, self._ask_categories())

    def _ask_categories(self) -> tuple[Category, ...]:
        categories = self._client.get("/api/catalog/categories", parse_categories)
        with self._lock:
            self._remembered = (self._clock() + self._ttl_seconds, categories)
        return categories


def trail_to(slug: str, categories: tuple[Category, ...]) -> tuple[Category, ...]:
    """The categories from the top down to `slug`; empty when it is not there."""
    return next((trail for trail in _trails(categories) if trail[-1].slug == slug), ())


def _trails(categories: tuple[Category, ...]) -> Iterator[tuple[Category, ...]]:
    for category in categories:
        yield (category,)
        for trail in _trails(category.children):
            yield (category, *trail)
