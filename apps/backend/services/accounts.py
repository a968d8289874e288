"""Accounts: registering, logging in, and who a token belongs to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.engine import Connection

from backend import cache
from backend.errors import ApiError
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


def register(shop: Shop, email: str, name: str, password: str) -> dict[str, Any]:
    """A new customer, logged in. Raises ApiError 409 where the address is taken."""
    password_hash = shop.passwords.hash(password)
    with shop.database.writer.begin() as connection:
        user = storage.add(connection, email.lower(), name, password_hash)
        if user is None:
            raise ApiError(409, "email_taken", "there is an account with this e-mail address")
        return _logged_in(shop, connection, user)


def log_in(shop: Shop, email: str, password: str) -> dict[str, Any]:
    """A token for a user and the user. Raises ApiError 401, which does not tell whether the address is known."""
    with shop.database.reader.connect() as connection:
        user = storage.by_email(connection, email.lower())
    if not shop.passwords.matches(None if user is None else user["password_hash"], password) or user is None:
        raise ApiError(401, "bad_credentials", "e-mail address or password is wrong")
    with shop.database.writer.begin() as connection:
        return _logged_in(shop, connection, user)


def me(shop: Shop, authorization: str | None) -> tuple[bytes, bool]:
    """The answer that tells a user who they are. Raises ApiError 401."""
    return _me(shop, _claims(shop, authorization))


def identify(shop: Shop, authorization: str | None) -> Identity:
    """Who bears a token whose session holds. Raises ApiError 401."""
    claims = _claims(shop, authorization)
    user = orjson.loads(_me(shop, claims)[0])["data"]
    return Identity(user["id"], user["role"], claims.session_id)


def log_out(shop: Shop, identity: Identity) -> None:
    """Ends the session; its token is refused from now on."""
    _end_sessions(shop, identity.user_id, identity.session_id)


def change_password(shop: Shop, identity: Identity, current: str, new: str) -> dict[str, Any]:
    """Replaces the password, ends every session of the user and begins one. Raises ApiError 403."""
    with shop.database.reader.connect() as connection:
        user = storage.by_id(connection, identity.user_id)
    if user is None or not shop.passwords.matches(user["password_hash"], current):
        raise ApiError(403, "wrong_password", "the current password is wrong")
    password_hash = shop.passwords.hash(new)
    with shop.database.writer.begin() as connection:
        storage.set_password(connection, identity.user_id, password_hash)
    _end_sessions(shop, identity.user_id)
    with shop.database.writer.begin() as connection:
        return _logged_in(shop, connection, user)


def _logged_in(shop: Shop, connection: Connection, user: RowMapping) -> dict[str, Any]:
    session_id = secrets.token_hex(16)
    lifetime_seconds = shop.tokens.lifetime_seconds
    storage.add_session(connection, session_id, user["id"], datetime.now(UTC) + timedelta(seconds=lifetime_seconds))
    token = shop.tokens.issue(Claims(user["id"], session_id))
    return {"token": token, "user": _shown(user), "expires_in": lifetime_seconds}


def _claims(shop: Shop, authorization: str | None) -> Claims:
    scheme, _unused, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorized()
    try:
        return shop.tokens.read(token.strip())
    except TokenRefused:
        raise _unauthorized() from None


def _me(shop: Shop, claims: Claims) -> tuple[bytes, bool]:
    def read() -> Fresh:
        with shop.database.reader.connect() as connection:
            user = storage.by_session(connection, claims.session_id, claims.user_id)
        if user is None:
            raise _unauthorized()
        return Fresh(_shown(user))

    return read_through(shop, _me_key(claims.session_id), cache.ME, read)


def _end_sessions(shop: Shop, user_id: int, session_id: str | None = None) -> None:
    with shop.database.writer.begin() as connection:
        ended = storage.revoke_sessions(connection, user_id, session_id)
    shop.cache.delete(_me_key(key) for key in ended)


def _me_key(session_id: str) -> str:
    return f"me:{session_id}"


def _shown(user: RowMapping) -> dict[str, Any]:
    return {key: user[key] for key in ("id", "email", "name", "role", "created_at")}


def _unauthorized() -> ApiError:
    message = "log in and send the token as Authorization: Bearer"
    return ApiError(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})
