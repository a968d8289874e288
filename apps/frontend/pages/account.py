"""The account and its orders."""

from __future__ import annotations

import re

from flask import Blueprint, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from frontend.client import BackendRefused
from frontend.filters import page_address, page_number
from frontend.pages import shop, visitor

pages = Blueprint("account", __name__)

_ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@pages.get("/account")
def show() -> str:
    return render_template("account.html", user=shop().accounts.me(visitor.token))


@pages.get("/account/orders")
def orders() -> str:
    found = shop().orders.page(visitor.token, page_number(request.args))
    return render_template("orders.html", found=found, address=page_address("/account/orders", {}))


@pages.get("/orders/<order_id>")
def order(order_id: str) -> str:
    return render_template("order.html", order=shop().orders.order(visitor.token, _checked(order_id)))


@pages.post("/orders/<order_id>/cancel")
def cancel(order_id: str) -> Response:
    try:
        shop().orders.cancel(visitor.token, _checked(order_id))
        flash("The order is cancelled.")
    except BackendRefused as refusal:
        if refusal.status != 409:
            raise
        flash(refusal.message or "This order can no longer be cancelled.")
    return redirect(f"/orders/{order_id}", 303)


def _checked(order_id: str) -> str:
    if not _ORDER_ID.fullmatch(order_id):
        abort(404)
    return order_id
