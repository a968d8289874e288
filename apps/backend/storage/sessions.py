"""Sessions of users in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.engine import Connection

from backend.tables import sessions, users

LISTED_HIGHEST = 100
# A login adds one session and takes at most so many away whose time is over, whosever they are: so they never pile up,
# and no login has to clear up after a busy day.
_REMOVED_AT_ONCE = 20

_HOLDS = (sessions.c.revoked_at.is_(None), sessions.c.expires_at > func.now())


def add(connection: Connection, session_id: str, user_id: int, expires_at: datetime, user_agent: str | None) -> None:
    """A new session; some of those that are over go."""
    over = select(sessions.c.id).where(sessions.c.expires_at < func.now()).order_by(sessions.c.expires_at)
    some = over.limit(_REMOVED_AT_ONCE).with_for_update(skip_locked=True)
    connection.execute(sessions.delete().where(sessions.c.id.in_(some.scalar_subquery())))
    row = {"id": session_id, "user_id": user_id, "expires_at": expires_at, "user_agent": user_agent}
    connection.execute(sessions.insert().values(row))


def user_of(connection: Connection, session_id: str, user_id: int) -> RowMapping | None:
    """The user of a session that holds, with when it was `last_seen_at`."""
    query = select(users, sessions.c.last_seen_at).join(sessions, sessions.c.user_id == users.c.id)
    this = query.where(users.c.id == user_id, sessions.c.id == session_id, *_HOLDS)
    return connection.execute(this).mappings().one_or_none()


def see(connection: Connection, session_id: str, at_most_every: timedelta) -> None:
    """Notes that a session was used, unless that was noted a short while ago."""
    stale = sessions.c.last_seen_at < func.now() - at_most_every
    seen = update(sessions).where(sessions.c.id == session_id, stale)
    connection.execute(seen.values(last_seen_at=func.now()))


def of_user(connection: Connection, user_id: int) -> Sequence[RowMapping]:
    """The sessions of a user that hold, the last used first."""
    held = select(sessions).where(sessions.c.user_id == user_id, *_HOLDS)
    ordered = held.order_by(sessions.c.last_seen_at.desc(), sessions.c.created_at.desc(), sessions.c.id)
    return connection.execute(ordered.limit(LISTED_HIGHEST)).mappings().all()


def revoke(
    connection: Connection, user_id: int, *, only: str | None = None, besides: str | None = None
) -> Sequence[str]:
    """Ends a user's sessions: one, all besides one, or all; returns the ids of those that were ended."""
    ended = update(sessions).where(sessions.c.user_id == user_id, *_HOLDS)
    if only is not None:
        ended = ended.where(sessions.c.id == only)
    if besides is not None:
        ended = ended.where(sessions.c.id != besides)
    return connection.execute(ended.values(revoked_at=func.now()).returning(sessions.c.id)).scalars().all()
