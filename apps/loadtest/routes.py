"""The routes users call, by template: the labels of every result, bounded whatever is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tier = Literal["backend", "frontend"]


@dataclass(frozen=True)
class Route:
    """One kind of request; `name` is the path with its variable parts as <placeholders>."""

    name: str
    tier: Tier
    method: str = "GET"


PRODUCTS = Route("/api/catalog/products", "backend")
CATEGORIES = Route("/api/catalog/categories", "backend")
SEARCH = Route("/api/search", "backend")
LOGIN = Route("/api/auth/login", "backend", "POST")
ORDERS = Route("/api/orders", "backend")
ME = Route("/api/auth/me", "backend")
HOME_PAGE = Route("/", "frontend")
PRODUCTS_PAGE = Route("/products", "frontend")
PRODUCT_PAGE = Route("/products/<slug>", "frontend")
CATEGORY_PAGE = Route("/categories/<slug>", "frontend")
SEARCH_PAGE = Route("/search", "frontend")

ROUTES = {
    route.name: route
    for route in (
        PRODUCTS,
        CATEGORIES,
        SEARCH,
        LOGIN,
        ORDERS,
        ME,
        HOME_PAGE,
        PRODUCTS_PAGE,
        PRODUCT_PAGE,
        CATEGORY_PAGE,
        SEARCH_PAGE,
    )
}
