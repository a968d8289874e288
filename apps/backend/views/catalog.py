"""Routes of the catalogue and the search; all public, all cached."""

from __future__ import annotations

from flask import Blueprint, Response, request

from backend.errors import invalid, not_found
from backend.requests import boolean, id_or_slug, page_and_limit, price, text
from backend.services import catalog as service
from backend.storage.catalog import ORDERS, ProductFilter
from backend.views.common import limit_general, public, shop

_WORDS = 100

blueprint = Blueprint("catalog", __name__, url_prefix="/api")
blueprint.before_request(limit_general)


@blueprint.get("/catalog/categories")
def categories() -> Response:
    return public(service.categories(shop()))


@blueprint.get("/catalog/categories/<key>")
def category(key: str) -> Response:
    return public(service.category(shop(), _key(key, "category")))


@blueprint.get("/catalog/products")
def products() -> Response:
    return public(service.products(shop(), _filter(), *page_and_limit(request.args)))


@blueprint.get("/catalog/products/<key>")
def product(key: str) -> Response:
    return public(service.product(shop(), _key(key, "product")))


@blueprint.get("/search")
def search() -> Response:
    words = text(request.args, "q", _WORDS)
    return public(service.search(shop(), _filter(words.lower()), *page_and_limit(request.args)))


@blueprint.get("/search/suggest")
def suggest() -> Response:
    return public(service.suggest(shop(), text(request.args, "q", _WORDS).lower()))


@blueprint.get("/search/popular")
def popular() -> Response:
    return public(service.popular(shop()))


def _key(value: str, what: str) -> int | str:
    key = id_or_slug(value)
    if key is None:
        raise not_found(what)
    return key


def _filter(words: str | None = None) -> ProductFilter:
    arguments = request.args
    sort = arguments.get("sort") or "featured"
    if sort not in ORDERS:
        raise invalid(sort=f"must be one of {', '.join(ORDERS)}")
    return ProductFilter(
        sort=sort,
        category=_category(arguments.get("category")),
        min_price=price(arguments, "min_price"),
        max_price=price(arguments, "max_price"),
        featured=boolean(arguments, "featured"),
        words=words,
    )


def _category(value: str | None) -> int | str | None:
    if not value:
        return None
    key = id_or_slug(value)
    if key is None:
        raise invalid(category="must be a category's id or slug")
    return key
