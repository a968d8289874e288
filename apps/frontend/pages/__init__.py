"""The shop's pages, a blueprint each: read the request, ask a service, render a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from frontend.services.accounts import Accounts
from frontend.services.administration import Administration
from frontend.services.catalog import Catalog
from frontend.services.orders import Orders
from frontend.visitor import Visitor

_EXTENSION = "frontend"
visitor = Visitor()


@dataclass(frozen=True)
class Shop:
    """The services that pages use."""

    catalog: Catalog
    accounts: Accounts
    orders: Orders
    administration: Administration


def open_shop(app: Flask, shop: Shop) -> None:
    """Gives an app its services."""
    app.extensions[_EXTENSION] = shop


def shop() -> Shop:
    """The services of the app that serves the current request."""
    return cast("Shop", current_app.extensions[_EXTENSION])
