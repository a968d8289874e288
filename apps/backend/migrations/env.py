"""What alembic runs a migration in: the connection of `backend.schema`, or DATABASE_URL for alembic's own command."""

from __future__ import annotations

import os

from alembic import context
from backend.tables import metadata
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection


def _run(connection: Connection) -> None:
    """Each migration in a transaction of its own, which also notes the revision."""
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with create_engine(os.environ["DATABASE_URL"]).connect() as made:
        _run(made)
