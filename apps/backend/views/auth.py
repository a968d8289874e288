"""Routes of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from flask import Blueprint, Response, request

from backend.answers import success
from backend.fields import Password, Text, email
from backend.services import accounts as service
from backend.services import sessions
from backend.services.accounts import Identity
from backend.shapes import EndedSessions, LoggedIn, Sessions, User
from backend.views.common import X_CACHE, cached, limit_general, shop
from backend.views.contract import contract

_ID = Text(32, 32, "[0-9a-f]{32}", example="0123456789abcdef" * 2, what="session")
SessionId = Annotated[str, _ID, "the session's id"]

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
    return success(service.register(shop(), body.email, body.name, body.password, request.environ), 201)


@blueprint.post("/login")
@contract("Begin a session", before=_limit_logins, data=LoggedIn, errors=("bad_credentials",))
def login(body: Credentials) -> Response:
    return success(service.log_in(shop(), body.email, body.password, request.environ))


@blueprint.post("/logout")
@contract("End the session of the token", access="user", data=None)
def logout(who: Identity) -> Response:
    sessions.end_current(shop(), who.user_id, who.session_id, request.environ)
    return success(None)


@blueprint.get("/sessions")
@contract("One's sessions that hold, the last used first", access="user", data=Sessions)
def list_sessions(who: Identity) -> Response:
    return success(sessions.listed(shop(), who.user_id, who.session_id))


@blueprint.delete("/sessions")
@contract("End all sessions but that of the token", access="user", data=EndedSessions)
def end_other_sessions(who: Identity) -> Response:
    return success({"ended": sessions.end_others(shop(), who.user_id, who.session_id, request.environ)})


@blueprint.delete("/sessions/<session>")
@contract("End one of one's sessions", access="user", data=None)
def end_session(who: Identity, session: SessionId) -> Response:
    sessions.end_one(shop(), who.user_id, session, request.environ)
    return success(None)


@blueprint.get("/me")
@contract("Who bears the token", access="user", data=User, headers=X_CACHE)
def me() -> Response:
    return cached(*service.me(shop(), request.environ))


@blueprint.route("/change-password", methods=["POST", "PUT"])
@contract(
    "Change the password, which ends all other sessions", access="user", data=LoggedIn, errors=("wrong_password",)
)
def change_password(who: Identity, body: PasswordChange) -> Response:
    return success(service.change_password(shop(), who, body.current_password, body.new_password, request.environ))
