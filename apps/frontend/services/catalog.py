"""Products, categories and search."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TypeVar

from frontend.client import BackendClient, BackendError, BackendRefused, segment
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

_Value = TypeVar("_Value")
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

    def parameters(self) -> dict[str, str | int | None]:
        """The query as the backend's parameters."""
        return {**asdict(self), "featured": "true" if self.featured else None}


class Catalog:
    """The shop's goods. The category tree and the popular terms, which most pages show, are remembered for a while.

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
        self._popular: tuple[str, ...] = ()

    def products(self, query: ProductQuery) -> Page[Product]:
        """One page of products; raises BackendRefused with 404 for an unknown category."""
        return self._client.get("/api/catalog/products", _parse_products, query.parameters(), memory=self._lists)

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

    def search(self, text: str, query: ProductQuery) -> Page[Product]:
        """Products that fit a text."""
        return self._client.get("/api/search", _parse_products, {"q": text, **query.parameters()}, memory=self._lists)

    def suggestions(self, text: str) -> tuple[str, ...]:
        """Terms near a text that found nothing."""
        return self._client.get("/api/search/suggest", parse_texts, {"q": text})

    @property
    def popular_terms(self) -> tuple[str, ...]:
        """What people look for most, as far as it is remembered."""
        return self._popular

    def categories(self) -> tuple[Category, ...]:
        """The top of the category tree, each with its children."""
        return self._known_categories() or self._ask_categories()

    def with_categories(self, ask: Callable[[], _Value]) -> tuple[_Value, tuple[Category, ...]]:
        """What `ask` gives, and the category tree; both are asked for at once where the tree is not remembered."""
        known = self._known_categories()
        if known:
            return ask(), known
        asked, categories, popular = self._client.at_once(ask, self._read_categories, self._read_popular)
        return asked, self._remember(categories, popular)

    def category(self, slug: str, query: ProductQuery) -> tuple[tuple[Category, ...], Page[Product]] | None:
        """The way from the top of the tree to a category, and one page of its products; None where there is none."""
        known = self._known_categories()
        if known:
            trail = trail_to(slug, known) or trail_to(slug, self._ask_categories())
            return (trail, self.products(query)) if trail else None
        found, categories = self.with_categories(lambda: self.products(query))
        trail = trail_to(slug, categories)
        return (trail, found) if trail else None

    def _known_categories(self) -> tuple[Category, ...]:
        with self._lock:
            remembered = self._remembered
        return remembered[1] if remembered and self._clock() < remembered[0] else ()

    def _ask_categories(self) -> tuple[Category, ...]:
        return self._remember(*self._client.at_once(self._read_categories, self._read_popular))

    def _remember(self, categories: tuple[Category, ...], popular: tuple[str, ...]) -> tuple[Category, ...]:
        with self._lock:
            self._remembered, self._popular = (self._clock() + self._ttl_seconds, categories), popular
        return categories

    def _read_categories(self) -> tuple[Category, ...]:
        return self._client.get("/api/catalog/categories", parse_categories)

    def _read_popular(self) -> tuple[str, ...]:
        """Those of before where the backend does not tell: a page goes without them as well."""
        with suppress(BackendError, BackendRefused):
            return self._client.get("/api/search/popular", parse_texts)
        return self._popular


def trail_to(slug: str, categories: tuple[Category, ...]) -> tuple[Category, ...]:
    """The categories from the top down to `slug`; empty when it is not there."""
    return next((trail for trail in _trails(categories) if trail[-1].slug == slug), ())


def _trails(categories: tuple[Category, ...]) -> Iterator[tuple[Category, ...]]:
    for category in categories:
        yield (category,)
        for trail in _trails(category.children):
            yield (category, *trail)
