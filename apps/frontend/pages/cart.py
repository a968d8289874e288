"""The cart."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from frontend.cart import MAXIMUM_QUANTITY, Cart, CartFull
from frontend.models import Product, ProductId
from frontend.pages import shop, visitor
from frontend.pages.catalog import checked_slug

pages = Blueprint("cart", __name__)


@dataclass(frozen=True)
class PricedLine:
    """A line of the cart with the product as it is now."""

    product: Product
    quantity: int

    @property
    def total(self) -> Decimal:
        return self.product.price * self.quantity

    @property
    def available(self) -> bool:
        return self.product.stock >= self.quantity


@pages.get("/cart")
def show() -> str:
    lines = priced_lines()
    return render_template("cart.html", lines=lines, total=total_of(lines), maximum=MAXIMUM_QUANTITY)


@pages.post("/cart")
def add() -> Response:
    product = shop().catalog.product(checked_slug(request.form.get("slug", "")))
    wanted = visitor.cart.quantity_of(product.id) + _quantity(lowest=1)
    granted = min(wanted, product.stock, MAXIMUM_QUANTITY)
    if granted < wanted:
        flash(f"There are only {granted} of {product.name} to be had." if granted else f"{product.name} is sold out.")
    else:
        flash(f"{product.name} is in your cart.")
    _put(product.id, granted)
    return redirect("/cart", 303)


@pages.post("/cart/lines")
def change() -> Response:
    product_id = request.form.get("product", "")
    line = next((line for line in visitor.cart.lines if str(line.product_id) == product_id), None)
    if line is None:
        flash("That product is no longer in your cart.")
    else:
        _put(line.product_id, _quantity(lowest=0))
    return redirect("/cart", 303)


def priced_lines() -> list[PricedLine]:
    """The cart's lines with prices of now; what the shop no longer has is taken out and said."""
    lines: list[PricedLine] = []
    cart = visitor.cart
    products = shop().catalog.products_of(line.product_id for line in cart.lines)
    for line in cart.lines:
        product = products.get(line.product_id)
        if product is None:
            visitor.cart = visitor.cart.with_quantity(line.product_id, 0)
            flash("A product in your cart is no longer sold; we have taken it out.")
        else:
            lines.append(PricedLine(product, line.quantity))
    return lines


def total_of(lines: list[PricedLine]) -> Decimal:
    return sum((line.total for line in lines), Decimal(0))


def _put(product_id: ProductId, quantity: int) -> None:
    cart: Cart = visitor.cart
    try:
        visitor.cart = cart.with_quantity(product_id, quantity)
    except CartFull as problem:
        flash(str(problem))


def _quantity(lowest: int) -> int:
    """The quantity sent; 400 for anything that is none."""
    text = request.form.get("quantity", "1").strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        abort(400, "The quantity is no whole number.")
    return max(int(text), lowest)
