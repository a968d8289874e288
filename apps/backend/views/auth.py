"""Routes of accounts."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from backend.answers import success
from backend.errors import invalid
from backend.requests import json_object, text
from backend.services import accounts as service
from backend.views.common import cached, identity, limit_general, shop

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_EMAIL_CHARACTERS = 254  # RFC 5321 leaves this many for an address
_PASSWORD_LOWEST, _PASSWORD_HIGHEST = 8, 200

blueprint = Blueprint("auth", __name__, url_prefix="/api/auth")
blueprint.before_request(limit_general)


@blueprint.post("/register")
def register() -> Response:
    this = shop()
    this.limits.check(request.environ, "register", this.settings.register_limit)
    body = json_object(request)
    email, name = _email(body), text(body, "name", 100)
    return success(service.register(this, email, name, _password(body, "password")), 201)


@blueprint.post("/login")
def login() -> Response:
    this = shop()
    this.limits.check(request.environ, "login", this.settings.login_limit)
    body = json_object(request)
    return success(service.log_in(this, text(body, "email", _EMAIL_CHARACTERS), _given_password(body, "password")))


@blueprint.post("/logout")
def logout() -> Response:
    service.log_out(shop(), identity())
    return success(None)


@blueprint.get("/me")
def me() -> Response:
    return cached(*service.me(shop(), request.headers.get("Authorization")))


@blueprint.route("/change-password", methods=["POST", "PUT"])
def change_password() -> Response:
    who = identity()
    body = json_object(request)
    current, new = _given_password(body, "current_password"), _password(body, "new_password")
    return success(service.change_password(shop(), who, current, new))


def _email(body: dict[str, object]) -> str:
    email = text(body, "email", _EMAIL_CHARACTERS)
    if not _EMAIL.fullmatch(email):
        raise invalid(email="must be an e-mail address")
    return email


def _password(body: dict[str, object], name: str) -> str:
    """A password as it is, white space included; argon2 takes any text."""
    value = body.get(name)
    if not isinstance(value, str) or not _PASSWORD_LOWEST <= len(value) <= _PASSWORD_HIGHEST:
        raise invalid(**{name: f"must be a text of {_PASSWORD_LOWEST} to {_PASSWORD_HIGHEST} characters"})
    return value


def _given_password(body: dict[str, object], name: str) -> str:
    """A password to compare; how long it must be is not told to who guesses."""
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _PASSWORD_HIGHEST:
        raise invalid(**{name: "must be a text"})
    return value
