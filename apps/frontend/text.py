"""How values read on a page."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from jinja2 import Environment

from frontend.models import Category, Product
from frontend.pictures import picture_path


def install(environment: Environment) -> None:
    """Gives templates the filters `money`, `day`, `picture` and `shelf_picture`."""
    environment.filters.update(money=money, day=day, picture=picture, shelf_picture=shelf_picture)


def money(amount: Decimal) -> str:
    """An amount in EUR: €1,234.50."""
    return f"€{amount:,.2f}"


def day(moment: datetime) -> str:
    """A date as people say it: 22 November 2026."""
    return f"{moment.day} {moment:%B %Y}"


def picture(product: Product) -> str:
    """The path of a product's picture."""
    return picture_path(product.category.slug if product.category else "goods", product.slug)


def shelf_picture(category: Category) -> str:
    """The path of the picture that stands for a category."""
    return picture_path(category.slug, category.slug)
