"""Connections to PostgreSQL: one pool, with short waits, for reading and for writing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

_CONNECT_SECONDS = 2
_POOL_WAIT_SECONDS = 3
# A request whose statement or lock takes longer than this is answered with 503.
_OPTIONS = "-c timezone=UTC -c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000"


@dataclass(frozen=True, slots=True)
class Database:
    """`writer` opens transactions; `reader` runs single statements without the round trips of BEGIN and ROLLBACK."""

    writer: Engine
    reader: Engine


def connect(url: str, pool_size: int) -> Database:
    """Opens a pool of at most `pool_size` connections, which are made when they are needed."""
    writer = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "options": _OPTIONS},
    )
    return Database(writer, writer.execution_options(isolation_level="AUTOCOMMIT"))
