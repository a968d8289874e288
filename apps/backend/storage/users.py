"""Users in the database."""

from __future__ import annotations

from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from backend.tables import users


def by_email(connection: Connection, email: str) -> RowMapping | None:
    """The user with an address, in small letters."""
    return connection.execute(select(users).where(users.c.email == email)).mappings().one_or_none()


def by_id(connection: Connection, user_id: int) -> RowMapping | None:
    """The user with an id."""
    return connection.execute(select(users).where(users.c.id == user_id)).mappings().one_or_none()


def add(connection: Connection, email: str, name: str, password_hash: str, role: str = "customer") -> RowMapping | None:
    """A new user, or None where the address is taken."""
    row = insert(users).values(email=email, name=name, password_hash=password_hash, role=role)
    return connection.execute(row.on_conflict_do_nothing().returning(users)).mappings().one_or_none()


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """Replaces a user's password."""
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=password_hash))
