"""Routes of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response, request

from backend.answers import success
from backend.fields import Password, Text, email
from backend.services import accounts as service
from backend.services.accounts import Identity
from backend.shapes import LoggedIn, User
from backend.views.common import X_CACHE, cached, limit_general, shop
from backend.views.contract import contract

blueprint = Blueprint("auth", __name__, url_prefix="/api/auth")
blueprint.before_request(limit_general)


@dataclass(frozen=True, slots=True)
class Registration:
    """A new account."""

    email: Annotated[str, email(), "where the customer is reached; in any case of letters the same account"]
    name: Annotated[str, Text(100, example="Ada"), "what the customer is called"]
    password: Annotated[str, Password(8), "any text"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in."""

    email: Annotated[str, Text(254, example="ada@example.com"), "the account's"]
    password: Annotated[str, Password(), "the account's"]


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """The password before, and from now on."""

    current_password: Annotated[str, Password(), "the one until now"]
    new_password: Annotated[str, Password(8), "any text"]


def _limit_registrations() -> None:
    this = shop()
    this.limits.check(request.environ, "register", this.settings.register_limit)


def _limit_logins() -> None:
    this = shop()
    this.limits.check(request.environ, "login", this.settings.login_limit)


@blueprint.post("/register")
@contract("Make an account and log in", before=_limit_registrations, data=LoggedIn, status=201, errors=("email_taken",))
def register(body: Registration) -> Response:
    return success(service.register(shop(), body.email, body.name, body.password), 201)


@blueprint.post("/login")
@contract("Begin a session", before=_limit_logins, data=LoggedIn, errors=("bad_credentials",))
def login(body: Credentials) -> Response:
    return success(service.log_in(shop(), body.email, body.password))


@blueprint.post("/logout")
@contract("End the session of the token", access="user", data=None)
def logout(who: Identity) -> Response:
    service.log_out(shop(), who)
    return success(None)


@blueprint.get("/me")
@contract("Who bears the token", access="user", data=User, headers=X_CACHE)
def me() -> Response:
    return cached(*service.me(shop(), request.headers.get("Authorization")))


@blueprint.route("/change-password", methods=["POST", "PUT"])
@contract(
    "Change the password, which ends all other sessions", access="user", data=LoggedIn, errors=("wrong_password",)
)
def change_password(who: Identity, body: PasswordChange) -> Response:
    return success(service.change_password(shop(), who, body.current_password, body.new_password))
