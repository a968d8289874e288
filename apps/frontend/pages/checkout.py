"""Checkout: one form, one order."""

from __future__ import annotations

import re
import secrets

from flask import Blueprint, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from frontend.client import BackendRefused
from frontend.countries import COUNTRIES
from frontend.forms import Field, Form
from frontend.models import Address, ProductId
from frontend.pages import shop, visitor
from frontend.pages.cart import priced_lines, total_of

pages = Blueprint("checkout", __name__)

FIELDS = (
    Field("name", "Full name", autocomplete="name", maximum_length=100),
    Field("street", "Street and number", autocomplete="street-address", maximum_length=200),
    Field("postal_code", "Postal code", autocomplete="postal-code", maximum_length=20),
    Field("city", "City", autocomplete="address-level2", maximum_length=100),
    Field("country", "Country", autocomplete="country", maximum_length=2, choices=COUNTRIES),
)
_KEY = re.compile(r"[0-9a-f]{32}-(?P<fingerprint>[0-9a-f]{16})")


@pages.get("/checkout")
def show() -> str | Response:
    user = visitor.user
    _unused = visitor.token
    return _page(Form({"name": user.name if user else ""}))


@pages.post("/checkout")
def place() -> str | tuple[str, int] | Response:
    token, key = visitor.token, request.form.get("order_key", "")
    made = visitor.order_made_with(key)
    if made is not None:
        return redirect(made, 303)
    form = Form.read(request.form, FIELDS)
    if not _speaks_of_this_cart(key):
        form.errors[""] = "Your cart has changed since this page was shown. Please look at it again, then order."
    if not form.valid:
        return _page_again(form)
    try:
        order = shop().orders.place(token, visitor.cart, _shown_prices(), Address(**form.values), key)
    except BackendRefused as refusal:
        if refusal.status not in (400, 404, 409, 422):
            raise
        _explain(form, refusal)
        return _page_again(form)
    visitor.ordered(key, order.path)
    flash("Thank you! Your order has reached us.", "order")
    return redirect(order.path, 303)


def _shown_prices() -> dict[ProductId, str]:
    """What the form says that the cart's products were shown to cost."""
    shown = ((line.product_id, request.form.get(f"price-{line.product_id}")) for line in visitor.cart.lines)
    return {product_id: price for product_id, price in shown if price}


def _explain(form: Form, refusal: BackendRefused) -> None:
    if refusal.code == "idempotency_key_reused":
        form.errors[""] = "This form has made an order already. Look at your orders before you order again."
    else:
        form.add_refusal(refusal)


def _page_again(form: Form) -> tuple[str, int] | Response:
    page = _page(form)
    return (page, 422) if isinstance(page, str) else page


def _page(form: Form) -> str | Response:
    lines = priced_lines()
    if not lines:
        return redirect("/cart", 303)
    return render_template(
        "checkout.html", form=form, fields=FIELDS, lines=lines, total=total_of(lines), order_key=_new_key()
    )


def _new_key() -> str:
    """The Idempotency-Key of the form's order: random, and tied to what the cart held when it was shown."""
    return f"{secrets.token_hex(16)}-{visitor.cart.fingerprint()}"


def _speaks_of_this_cart(key: str) -> bool:
    match = _KEY.fullmatch(key)
    return match is not None and match["fingerprint"] == visitor.cart.fingerprint()
