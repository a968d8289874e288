"""Home, products, categories and search."""

from __future__ import annotations

import re

from flask import Blueprint, abort, render_template, request

from frontend.filters import SORTS, Filters, page_address
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
    picked = ProductQuery(limit=_FEATURED_PRODUCTS, featured=True)
    featured, categories = catalog.with_categories(lambda: catalog.products(picked))
    return render_template("home.html", featured=featured, categories=categories)


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


def _product_list(template: str, path: str, trail: tuple[Category, ...] = ()) -> str:
    filters, catalog = Filters.read(request.args), shop().catalog
    query = filters.query(trail[-1].slug if trail else None)
    found, categories = catalog.with_categories(lambda: catalog.products(query))
    return render_template(
        template,
        found=found,
        filters=filters,
        sorts=SORTS,
        path=path,
        address=page_address(path, filters.chosen),
        unfiltered=path,
        trail=trail,
        categories=trail[-1].children if trail else categories,
    )


def _searched_text() -> str:
    text = " ".join(request.args.get("q", "")[:_MAXIMUM_SEARCH_CHARACTERS].split())
    return "".join(sign for sign in text if sign.isprintable())
