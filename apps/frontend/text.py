"""How values read on a page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from jinja2 import Environment

from frontend.countries import COUNTRY_NAMES
from frontend.models import Category, OrderLine, Product
from frontend.pictures import picture_path
from frontend.sales import Ranked


def install(environment: Environment) -> None:
    """Gives templates the filters named like the functions below."""
    for give in (money, day, short_day, country, picture, shelf_picture, ordered_picture):
        environment.filters[give.__name__] = give


def money(amount: Decimal) -> str:
    """An amount in EUR: €1,234.50."""
    return f"€{amount:,.2f}"


def day(moment: date) -> str:
    """A date as people say it: 22 November 2026."""
    return f"{moment.day} {moment:%B %Y}"


def short_day(moment: date) -> str:
    """A date without its year: 22 Nov."""
    return f"{moment.day} {moment:%b}"


def country(code: str) -> str:
    """A country's name by its code; the code itself where the shop does not know it."""
    return COUNTRY_NAMES.get(code, code)


def picture(product: Product) -> str:
    """The path of a product's picture."""
    return picture_path(product.category.slug if product.category else "goods", product.slug)


def shelf_picture(category: Category) -> str:
    """The path of the picture that stands for a category."""
    return picture_path(category.slug, category.slug)


def ordered_picture(line: OrderLine | Ranked) -> str:
    """The path of the picture of a product of which no category is known."""
    return picture_path("goods", line.slug)
