"""Accounts: registering, logging in, and who a token belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.engine import Connection

from backend import cache
from backend.clients import Environ
from backend.errors import ApiError
from backend.services import sessions
from backend.services.caching import Fresh, read_through
from backend.services.shop import Shop
from backend.storage import users as storage
from backend.tokens import Claims, TokenRefused


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a request."""

    user_id: int
    role: str
    session_id: str


def register(shop: Shop, email: str, name: str, password: str, environ: Environ) -> dict[str, Any]:
    """A new customer, logged in. Raises ApiError 409 where the address is taken."""
    password_hash = shop.passwords.hash(password)
    with shop.database.writer.begin() as connection:
        user = storage.add(connection, email.lower(), name, password_hash)
        answer = None if user is None else _logged_in(shop, connection, user, environ)
    if user is None or answer is None:
        shop.events.tell("registration_refused", environ)
        raise ApiError(409, "email_taken", "there is an account with this e-mail address")
    shop.events.tell("registered", environ, user["id"])
    return answer


def log_in(shop: Shop, email: str, password: str, environ: Environ) -> dict[str, Any]:
    """A token for a user and the user.

    Raises ApiError 401, which does not tell whether the address is known, and 429 after many wrong passwords for it.
    """
    email = email.lower()
    attempt = shop.limits.begin_login(environ, email)
    with shop.database.reader.connect() as connection:
        user = storage.by_email(connection, email)
    if not shop.passwords.matches(None if user is None else user["password_hash"], password) or user is None:
        shop.events.tell("login_failed", environ, None if user is None else user["id"])
        raise ApiError(401, "bad_credentials", "e-mail address or password is wrong")
    shop.limits.forgive(attempt)
    with shop.database.writer.begin() as connection:
        if shop.passwords.is_outdated(user["password_hash"]):
            storage.set_password(connection, user["id"], shop.passwords.hash(password))
        answer = _logged_in(shop, connection, user, environ)
    shop.events.tell("login_succeeded", environ, user["id"])
    return answer


def me(shop: Shop, environ: Environ) -> tuple[bytes, bool]:
    """The answer that tells a user who they are. Raises ApiError 401."""
    return _me(shop, _claims(shop, environ), environ)


def identify(shop: Shop, environ: Environ) -> Identity:
    """Who bears a token whose session holds. Raises ApiError 401."""
    claims = _claims(shop, environ)
    user = orjson.loads(_me(shop, claims, environ)[0])["data"]
    return Identity(user["id"], user["role"], claims.session_id)


def change_password(shop: Shop, identity: Identity, current: str, new: str, environ: Environ) -> dict[str, Any]:
    """Replaces the password, ends every session of the user and begins one. Raises ApiError 403."""
    with shop.database.reader.connect() as connection:
        user = storage.by_id(connection, identity.user_id)
    if user is None or not shop.passwords.matches(user["password_hash"], current):
        shop.events.tell("password_refused", environ, identity.user_id)
        raise ApiError(403, "wrong_password", "the current password is wrong")
    password_hash = shop.passwords.hash(new)
    with shop.database.writer.begin() as connection:
        storage.set_password(connection, identity.user_id, password_hash)
    shop.events.tell("password_changed", environ, identity.user_id)
    sessions.end_all(shop, identity.user_id, environ)
    with shop.database.writer.begin() as connection:
        return _logged_in(shop, connection, user, environ)


def _logged_in(shop: Shop, connection: Connection, user: RowMapping, environ: Environ) -> dict[str, Any]:
    token = sessions.begin(shop, connection, user["id"], environ)
    return {"token": token, "user": _shown(user), "expires_in": shop.tokens.lifetime_seconds}


def _claims(shop: Shop, environ: Environ) -> Claims:
    scheme, _unused, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorized()
    try:
        return shop.tokens.read(token.strip())
    except TokenRefused as refused:
        shop.events.tell("token_refused", environ, reason=refused.reason)
        raise _unauthorized() from None


def _me(shop: Shop, claims: Claims, environ: Environ) -> tuple[bytes, bool]:
    def read() -> Fresh:
        user = sessions.user_of(shop, claims)
        if user is None:
            shop.events.tell("token_refused", environ, claims.user_id, reason="session_over")
            raise _unauthorized()
        return Fresh(_shown(user))

    return read_through(shop, sessions.cache_key(claims.session_id), cache.ME, read)


def _shown(user: RowMapping) -> dict[str, Any]:
    return {key: user[key] for key in ("id", "email", "name", "role", "created_at")}


def _unauthorized() -> ApiError:
    message = "log in and send the token as Authorization: Bearer"
    return ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})
