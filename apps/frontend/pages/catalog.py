"""Home, products, categories and search."""

from __future__ import annotations

import re

from flask import Blueprint, abort, render_template, request

from frontend.filters import SORTS, Filters, page_address
from frontend.models import Category, Page, Product
from frontend.pages import shop
from frontend.services.catalog import ProductQuery

pages = Blueprint("catalog", __name__)

_FEATURED_PRODUCTS = 8
_MAXIMUM_SEARCH_CHARACTERS = 100
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")


@pages.get("/")
def home() -> str:
    catalog = shop().catalog
    picked = ProductQuery(limit=_FEATURED_PRODUCTS, featured=True)
    featured, categories = catalog.with_categories(lambda: catalog.products(picked))
    return render_template("home.html", featured=featured, categories=categories)


@pages.get("/products")
def products() -> str:
    filters, catalog = Filters.read(request.args), shop().catalog
    found, categories = catalog.with_categories(lambda: catalog.products(filters.query()))
    return _product_list("products.html", "/products", filters, found, categories)


@pages.get("/products/<slug>")
def product(slug: str) -> str:
    found = shop().catalog.product(checked_slug(slug))
    return render_template("product.html", product=found)


@pages.get("/categories")
def categories() -> str:
    return render_template("categories.html", categories=shop().catalog.categories())


@pages.get("/categories/<slug>")
def category(slug: str) -> str:
    filters = Filters.read(request.args)
    known = shop().catalog.category(checked_slug(slug), filters.query(slug))
    if known is None:
        abort(404)
    trail, found = known
    return _product_list("category.html", trail[-1].path, filters, found, trail[-1].children, trail=trail)


@pages.get("/search")
def search() -> str:
    catalog, text = shop().catalog, _searched_text()
    if not text:
        catalog.categories()
        return render_template("search.html", text="", popular=catalog.popular_terms)
    filters = Filters.read(request.args)
    found = catalog.search(text, filters.query())
    suggestions = () if found.items or filters.prices else catalog.suggestions(text)
    return render_template(
        "search.html",
        text=text,
        found=found,
        filters=filters,
        sorts=SORTS,
        path="/search",
        address=page_address("/search", {"q": text, **filters.chosen}),
        unfiltered=page_address("/search", {"q": text})(1),
        suggestions=suggestions,
        popular=catalog.popular_terms,
    )


def checked_slug(slug: str) -> str:
    """The slug, if it can be one; else there is no such page, and no need to ask for it."""
    if not _SLUG.fullmatch(slug):
        abort(404)
    return slug


def _product_list(
    template: str, path: str, filters: Filters, found: Page[Product], shelves: tuple[Category, ...], **more: object
) -> str:
    return render_template(
        template,
        found=found,
        filters=filters,
        sorts=SORTS,
        path=path,
        address=page_address(path, filters.chosen),
        unfiltered=path,
        categories=shelves,
        **more,
    )


def _searched_text() -> str:
    text = " ".join(request.args.get("q", "")[:_MAXIMUM_SEARCH_CHARACTERS].split())
    return "".join(sign for sign in text if sign.isprintable())
