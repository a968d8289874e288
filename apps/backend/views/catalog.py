"""Routes of the catalogue and the search; all public, all cached."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from flask import Blueprint, Response

from backend.fields import Choice, Flag, IdOrSlug, Price, Text
from backend.services import catalog as service
from backend.shapes import Category, CategoryNode, Product, ProductPage
from backend.storage.catalog import ORDERS, RELEVANCE, ProductFilter
from backend.views.common import X_CACHE, Paging, limit_general, public, shop
from backend.views.contract import contract

_WORDS = Text(100, example="lamp")
_IDS = Text(
    1899,
    pattern="[0-9]{1,18}(,[0-9]{1,18}){0,99}",
    example="1,2",
    must_be="must be up to 100 ids with commas between them",
)
CategoryKey = Annotated[int | str, IdOrSlug("category", "lighting"), "the category's id or slug"]
ProductKey = Annotated[int | str, IdOrSlug("product", "halo-paper-lamp"), "the product's id or slug"]

blueprint = Blueprint("catalog", __name__, url_prefix="/api")
blueprint.before_request(limit_general)


@dataclass(frozen=True, slots=True)
class ProductQuery(Paging):
    """Which products, in which order."""

    sort: Annotated[str, Choice(tuple(ORDERS)), "their order"] = "featured"
    category: Annotated[
        int | str | None, IdOrSlug("category", "lighting"), "id or slug of a category: its products and all below it"
    ] = None
    min_price: Annotated[Decimal | None, Price("20"), "the lowest price in EUR"] = None
    max_price: Annotated[Decimal | None, Price("100.00"), "the highest price in EUR"] = None
    featured: Annotated[bool | None, Flag(), "only those that are featured, or those that are not"] = None
    ids: Annotated[str | None, _IDS, "of the products with these ids alone"] = None
    in_stock: Annotated[bool | None, Flag(), "only those that can be had now, or those that cannot"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery(ProductQuery):
    """What is searched, and as of products."""

    q: Annotated[str, _WORDS, 'words, the last also as a beginning; "a phrase", -without, or']
    sort: Annotated[str, Choice((RELEVANCE, *ORDERS)), "their order"] = RELEVANCE


@dataclass(frozen=True, slots=True)
class SuggestQuery:
    """What was typed until now."""

    q: Annotated[str, _WORDS, "words of a product's name, the last as a beginning"]


@blueprint.get("/catalog/categories")
@contract("The tree of categories", data=list[CategoryNode], headers=X_CACHE)
def categories() -> Response:
    return public(service.categories(shop()))


@blueprint.get("/catalog/categories/<key>")
@contract("One category with its parent and its children", data=Category, headers=X_CACHE)
def category(key: CategoryKey) -> Response:
    return public(service.category(shop(), key))


@blueprint.get("/catalog/products")
@contract("A page of products", data=ProductPage, headers=X_CACHE)
def products(query: ProductQuery) -> Response:
    return public(service.products(shop(), _filter(query), query.page, query.limit))


@blueprint.get("/catalog/products/<key>")
@contract("One product", data=Product, headers=X_CACHE)
def product(key: ProductKey) -> Response:
    return public(service.product(shop(), key))


@blueprint.get("/search")
@contract("A page of products that hold the words, the best hits first", data=ProductPage, headers=X_CACHE)
def search(query: SearchQuery) -> Response:
    return public(service.search(shop(), _filter(query, query.q.lower()), query.page, query.limit))


@blueprint.get("/search/suggest")
@contract("Names that a search could mean", data=list[str], headers=X_CACHE)
def suggest(query: SuggestQuery) -> Response:
    return public(service.suggest(shop(), query.q.lower()))


@blueprint.get("/search/popular")
@contract("What is searched for most, then names of what sells best", data=list[str], headers=X_CACHE)
def popular() -> Response:
    return public(service.popular(shop()))


def _filter(query: ProductQuery, words: str | None = None) -> ProductFilter:
    return ProductFilter(
        sort=query.sort,
        category=query.category,
        min_price=query.min_price,
        max_price=query.max_price,
        featured=query.featured,
        ids=None if query.ids is None else tuple(sorted(set(map(int, query.ids.split(","))))),
        in_stock=query.in_stock,
        words=words,
    )
