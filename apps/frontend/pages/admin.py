"""The pages of those who run the shop: what it sells, and everyone's orders."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from frontend.client import BackendRefused
from frontend.filters import page_address, page_number
from frontend.models import NEXT_STATUSES
from frontend.pages import shop, visitor
from frontend.pages.account import checked_order_id
from frontend.sales import CHART_HEIGHT, CHART_WIDTH

pages = Blueprint("admin", __name__, url_prefix="/admin")

_DAYS = 30


@pages.get("")
def overview() -> str:
    sales, newest = shop().administration.overview(visitor.admin_token, _DAYS)
    return render_template("admin.html", sales=sales, orders=newest.items, chart=(CHART_WIDTH, CHART_HEIGHT))


@pages.get("/orders")
def orders() -> str:
    status = _known_status(request.args.get("status", ""))
    found = shop().administration.orders(visitor.admin_token, status, page_number(request.args))
    chosen = {"status": status or ""}
    return render_template(
        "admin_orders.html",
        found=found,
        status=status,
        statuses=tuple(NEXT_STATUSES),
        address=page_address("/admin/orders", chosen),
    )


@pages.post("/orders/<order_id>/status")
def move(order_id: str) -> Response:
    token, status = visitor.admin_token, _known_status(request.form.get("status", ""))
    if status is None:
        abort(400, "There is no such status of an order.")
    try:
        order = shop().administration.move(token, checked_order_id(order_id), status)
        flash(f"Order {order.number} is {order.status} now.")
    except BackendRefused as refusal:
        if refusal.status != 409:
            raise
        flash(refusal.message or "This order has moved on meanwhile.")
    return redirect(_back(order_id), 303)


def _known_status(text: str) -> str | None:
    return text if text in NEXT_STATUSES else None


def _back(order_id: str) -> str:
    """To the list that the form was in, or to the order's page."""
    if request.form.get("from") == "order":
        return f"/orders/{order_id}"
    listed = _known_status(request.form.get("listed", ""))
    return page_address("/admin/orders", {"status": listed or ""})(page_number(request.form))
