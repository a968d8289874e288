"""Users and their sessions in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from backend.tables import sessions, users


def by_email(connection: Connection, email: str) -> RowMapping | None:
    """The user with an address, in small letters."""
    return connection.execute(select(users).where(users.c.email == email)).mappings().one_or_none()


def by_id(connection: Connection, user_id: int) -> RowMapping | None:
    """The user with an id."""
    return connection.execute(select(users).where(users.c.id == user_id)).mappings().one_or_none()


def by_session(connection: Connection, session_id: str, user_id: int) -> RowMapping | None:
    """The user of a session that holds."""
    holds = (sessions.c.id == session_id, sessions.c.revoked_at.is_(None), sessions.c.expires_at > func.now())
    query = select(users).join(sessions, sessions.c.user_id == users.c.id).where(users.c.id == user_id, *holds)
    return connection.execute(query).mappings().one_or_none()


def add(connection: Connection, email: str, name: str, password_hash: str, role: str = "customer") -> RowMapping | None:
    """A new user, or None where the address is taken."""
    row = insert(users).values(email=email, name=name, password_hash=password_hash, role=role)
    return connection.execute(row.on_conflict_do_nothing().returning(users)).mappings().one_or_none()


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replaces a user's password."""
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))


def add_session(connection: Connection, session_id: str, user_id: int, expires_at: datetime) -> None:
    """A new session; the user's sessions that are over go."""
    connection.execute(sessions.delete().where(sessions.c.user_id == user_id, sessions.c.expires_at < func.now()))
    connection.execute(sessions.insert().values(id=session_id, user_id=user_id, expires_at=expires_at))


def revoke_sessions(connection: Connection, user_id: int, session_id: str | None = None) -> Sequence[str]:
    """Ends one session of a user, or all; returns the ids of those that were ended."""
    ended = update(sessions).where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
    if session_id is not None:
        ended = ended.where(sessions.c.id == session_id)
    return connection.execute(ended.values(revoked_at=func.now()).returning(sessions.c.id)).scalars().all()
