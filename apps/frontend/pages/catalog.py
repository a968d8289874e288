"""Home, products, categories and search."""

from __future__ import annotations

import re

from flask import Blueprint, abort, render_template, request

from frontend.filters import SORTS, Filters, page_address, page_number
from frontend.models import Category
from frontend.pages import shop
from frontend.services.catalog import ProductQuery

pages = Blueprint("catalog", __name__)

_FEATURED_PRODUCTS = 8
_MAXIMUM_SEARCH_CHARACTERS = 100
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")


@pages.get("/")
def home() -> str:
    catalog = shop().catalog
    featured = catalog.products(ProductQuery(limit=_FEATURED_PRODUCTS, featured=True))
    return render_template("home.html", featured=featured, categories=catalog.categories())


@pages.get("/products")
def products() -> str:
    return _product_list("products.html", "/products")


@pages.get("/products/<slug>")
def product(slug: str) -> str:
    found = shop().catalog.product(checked_slug(slug))
    return render_template("product.html", product=found)


@pages.get("/categories")
def categories() -> str:
    return render_template("categories.html", categories=shop().catalog.categories())


@pages.get("/categories/<slug>")
def category(slug: str) -> str:
    trail = shop().catalog.category_trail(checked_slug(slug))
    if not trail:
        abort(404)
    return _product_list("category.html", trail[-1].path, trail)


@pages.get("/search")
def search() -> str:
    text = " ".join(request.args.get("q", "")[:_MAXIMUM_SEARCH_CHARACTERS].split())
    text = "".join(sign for sign in text if sign.isprintable())
    if not text:
        return render_template("search.html", text="", popular=shop().catalog.popular_searches())
    found = shop().catalog.search(text, page_number(request.args))
    suggestions = () if found.items else shop().catalog.suggestions(text)
    address = page_address("/search", {"q": text})
    return render_template("search.html", text=text, found=found, suggestions=suggestions, address=address)


def checked_slug(slug: str) -> str:
    """The slug, if it can be one; else there is no such page, and no need to ask for it."""
    if not _SLUG.fullmatch(slug):
        abort(404)
    return slug


def _product_list(template: str, path: str, trail: tuple[Category, ...] = ()) -> str:
    filters = Filters.read(request.args)
    catalog = shop().catalog
    found = catalog.products(filters.query(trail[-1].slug if trail else None))
    shelves = trail[-1].children if trail else catalog.categories()
    return render_template(
        template,
        found=found,
        filters=filters,
        sorts=SORTS,
        path=path,
        address=page_address(path, filters.chosen),
        trail=trail,
        categories=shelves,
    )
