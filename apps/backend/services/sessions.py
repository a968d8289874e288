"""Sessions: begun by a login, seen now and then, listed, ended."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.engine import Connection

from backend.clients import Environ, program
from backend.errors import not_found
from backend.services.shop import Shop
from backend.storage import sessions as storage
from backend.tokens import Claims

# A session's user is asked of the database once in cache.ME seconds; each such time is noted.
_SEEN_EVERY = timedelta(minutes=4)


def begin(shop: Shop, connection: Connection, user_id: int, environ: Environ) -> str:
    """A new session of a user; returns its token."""
    session_id = secrets.token_hex(16)
    expires_at = datetime.now(UTC) + timedelta(seconds=shop.tokens.lifetime_seconds)
    storage.add(connection, session_id, user_id, expires_at, program(environ))
    return shop.tokens.issue(Claims(user_id, session_id))


def user_of(shop: Shop, claims: Claims) -> RowMapping | None:
    """The user of a session that holds, which counts as seen by that."""
    with shop.database.reader.connect() as connection:
        user = storage.user_of(connection, claims.session_id, claims.user_id)
        if user is not None and user["last_seen_at"] < datetime.now(UTC) - _SEEN_EVERY:
            storage.see(connection, claims.session_id, _SEEN_EVERY)
    return user


def listed(shop: Shop, user_id: int, current_id: str) -> dict[str, Any]:
    """A user's sessions that hold, at most a hundred, the last used first."""
    with shop.database.reader.connect() as connection:
        found = storage.of_user(connection, user_id)
    return {"items": [_shown(row, current_id) for row in found]}


def end_current(shop: Shop, user_id: int, session_id: str, environ: Environ) -> None:
    """Ends the session of a request; its token is refused from now on."""
    _end(shop, user_id, environ, only=session_id)


def end_one(shop: Shop, user_id: int, session_id: str, environ: Environ) -> None:
    """Ends any session of a user. Raises ApiError 404."""
    if not _end(shop, user_id, environ, only=session_id):
        raise not_found("session")


def end_others(shop: Shop, user_id: int, current_id: str, environ: Environ) -> int:
    """Ends all sessions of a user but the current one; returns how many."""
    return _end(shop, user_id, environ, besides=current_id)


def end_all(shop: Shop, user_id: int, environ: Environ) -> None:
    """Ends all sessions of a user."""
    _end(shop, user_id, environ)


def cache_key(session_id: str) -> str:
    """What the answer of who a session is of is called in the cache."""
    return f"me:{session_id}"


def _shown(session: RowMapping, current_id: str) -> dict[str, Any]:
    shown = {name: session[name] for name in ("id", "created_at", "last_seen_at", "expires_at", "user_agent")}
    return {**shown, "current": session["id"] == current_id}


def _end(shop: Shop, user_id: int, environ: Environ, **which: str) -> int:
    with shop.database.writer.begin() as connection:
        ended = storage.revoke(connection, user_id, **which)
    shop.cache.delete(cache_key(session_id) for session_id in ended)
    if ended:
        shop.events.tell("session_revoked", environ, user_id, sessions=len(ended))
    return len(ended)
