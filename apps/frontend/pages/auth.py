"""Signing in, registering, signing out."""

from __future__ import annotations

import re

from flask import Blueprint, current_app, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from frontend.client import BackendError, BackendRefused
from frontend.forms import Field, Form
from frontend.pages import shop, visitor

pages = Blueprint("auth", __name__)

_EMAIL = Field("email", "E-mail address", "email", "username", maximum_length=254)
_SIGN_IN = (_EMAIL, Field("password", "Password", "password", "current-password", maximum_length=200))
_REGISTER = (
    Field("name", "Full name", autocomplete="name", maximum_length=100),
    _EMAIL,
    Field(
        "password",
        "Password",
        "password",
        "new-password",
        minimum_length=8,
        maximum_length=200,
        hint="At least 8 characters.",
    ),
)
_OWN_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,300}")


@pages.get("/auth/login")
def login() -> str:
    return _login_page(Form())


@pages.post("/auth/login")
def sign_in() -> tuple[str, int] | Response:
    form = Form.read(request.form, _SIGN_IN)
    if form.valid:
        try:
            visitor.sign_in(shop().accounts.sign_in(form["email"], form["password"]))
            return redirect(_next_path(), 303)
        except BackendRefused as refusal:
            _take_refusal(form, refusal, "E-mail address or password is wrong.")
    return _login_page(form), 422


@pages.get("/auth/register")
def register() -> str:
    return _register_page(Form())


@pages.post("/auth/register")
def make_account() -> tuple[str, int] | Response:
    form = Form.read(request.form, _REGISTER)
    if form.valid:
        try:
            visitor.sign_in(shop().accounts.register(form["name"], form["email"], form["password"]))
            flash("Welcome! Your account is ready.")
            return redirect(_next_path(), 303)
        except BackendRefused as refusal:
            _take_refusal(form, refusal, "This did not work. Please check what you entered.")
            if refusal.status == 409 and "email" not in form.errors:
                form.errors = {"email": "There is an account with this address already. Sign in instead?"}
    return _register_page(form), 422


@pages.get("/logout")
def leaving() -> str:
    return render_template("logout.html")


@pages.post("/logout")
def logout() -> Response:
    _end_backend_session()
    visitor.sign_out()
    flash("You are signed out.")
    return redirect("/", 303)


def _end_backend_session() -> None:
    """Makes the token worthless; where the backend cannot be asked, it stays good until its time is over."""
    try:
        if visitor.user is not None:
            shop().accounts.sign_out(visitor.token)
    except (BackendError, BackendRefused) as problem:
        current_app.logger.warning("a session was not ended in the backend: %s", problem)


def _login_page(form: Form) -> str:
    return render_template("login.html", form=form, fields=_SIGN_IN, next=_next_path())


def _register_page(form: Form) -> str:
    return render_template("register.html", form=form, fields=_REGISTER, next=_next_path())


def _next_path() -> str:
    """Where to go afterwards: a path of this shop, never another site's address."""
    path = request.values.get("next", "")
    return path if _OWN_PATH.fullmatch(path) else "/account"


def _take_refusal(form: Form, refusal: BackendRefused, wrong: str) -> None:
    """Shows a refusal of what was entered in the form; any other is no matter of the form."""
    if refusal.status not in (400, 401, 403, 409, 422):
        raise refusal
    if refusal.status == 401:
        form.errors[""] = wrong
    else:
        form.add_refusal(refusal)
