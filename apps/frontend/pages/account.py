"""The account, its password and its orders."""

from __future__ import annotations

import re

from flask import Blueprint, abort, flash, get_flashed_messages, redirect, render_template, request
from werkzeug.wrappers import Response

from frontend.client import BackendRefused
from frontend.filters import page_address, page_number
from frontend.forms import Field, Form
from frontend.pages import shop, visitor

pages = Blueprint("account", __name__)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PASSWORD = (
    Field("current_password", "Current password", "password", "current-password", maximum_length=200),
    Field(
        "new_password",
        "New password",
        "password",
        "new-password",
        minimum_length=8,
        maximum_length=200,
        hint="At least 8 characters.",
    ),
)


@pages.get("/account")
def show() -> str:
    user, sessions = shop().accounts.overview(visitor.token)
    return render_template("account.html", user=user, sessions=sessions)


@pages.post("/account/sessions/end")
def sign_out_elsewhere() -> Response:
    shop().accounts.sign_out_elsewhere(visitor.token)
    flash("Everywhere else you are signed out.")
    return redirect("/account", 303)


@pages.post("/account/sessions/<session_id>/end")
def sign_out_at(session_id: str) -> Response:
    try:
        shop().accounts.sign_out_at(visitor.token, _checked_id(session_id))
        flash("You are signed out there.")
    except BackendRefused as refusal:
        if refusal.status != 404:
            raise
        flash("You were signed out there already.")
    return redirect("/account", 303)


@pages.get("/account/password")
def password() -> str:
    _unused = visitor.token
    return _password_page(Form())


@pages.post("/account/password")
def change_password() -> tuple[str, int] | Response:
    token, form = visitor.token, Form.read(request.form, _PASSWORD)
    if form.valid:
        try:
            visitor.renew(shop().accounts.change_password(token, form["current_password"], form["new_password"]))
            flash("Your password is changed. Everywhere else you are signed out.")
            return redirect("/account", 303)
        except BackendRefused as refusal:
            _take_refusal(form, refusal)
    return _password_page(form), 422


@pages.get("/account/orders")
def orders() -> str:
    found = shop().orders.page(visitor.token, page_number(request.args))
    return render_template("orders.html", found=found, address=page_address("/account/orders", {}))


@pages.get("/orders/<order_id>")
def order(order_id: str) -> str:
    found = shop().orders.order(visitor.token, checked_order_id(order_id))
    is_new = bool(get_flashed_messages(category_filter=["order"]))
    return render_template("order.html", order=found, is_new=is_new)


@pages.post("/orders/<order_id>/cancel")
def cancel(order_id: str) -> Response:
    try:
        shop().orders.cancel(visitor.token, checked_order_id(order_id))
        flash("The order is cancelled.")
    except BackendRefused as refusal:
        if refusal.status != 409:
            raise
        flash(refusal.message or "This order can no longer be cancelled.")
    return redirect(f"/orders/{order_id}", 303)


def checked_order_id(order_id: str) -> str:
    """The id, if it can be one; else there is no such order, and no need to ask for it."""
    return _checked_id(order_id)


def _checked_id(text: str) -> str:
    if not _ID.fullmatch(text):
        abort(404)
    return text


def _take_refusal(form: Form, refusal: BackendRefused) -> None:
    if refusal.status == 403:
        form.errors[_PASSWORD[0].name] = "This is not your current password."
    elif refusal.status in (400, 422):
        form.add_refusal(refusal)
    else:
        raise refusal


def _password_page(form: Form) -> str:
    return render_template("password.html", form=form, fields=_PASSWORD)
