"""Connections to PostgreSQL: one pool, with short waits, for reading and for writing."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

_CONNECT_SECONDS = 2
_POOL_WAIT_SECONDS = 3
_IDLE_SECONDS = 5.0
_USED_AT = "used_at"
# A request whose statement or lock takes longer than this is answered with 503.
_OPTIONS = "-c timezone=UTC -c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000"


@dataclass(frozen=True, slots=True)
class Database:
    """`writer` opens transactions; `reader` runs single statements, each a transaction, without BEGIN and COMMIT."""

    writer: Engine
    reader: Engine


def connect(url: str, pool_size: int) -> Database:
    """Opens a pool of at most `pool_size` connections, which are made when they are needed."""
    reader = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": _CONNECT_SECONDS, "options": _OPTIONS},
    )
    event.listen(reader, "checkin", _note_use)
    event.listen(reader, "checkout", _try_idle)
    return Database(reader.execution_options(isolation_level="READ COMMITTED"), reader)


def _note_use(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _try_idle(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: object) -> None:
    """Tries a connection that was not used for a while, as a ping before every use would cost each a round trip."""
    used_at = record.info.get(_USED_AT)
    if used_at is None or time.monotonic() - used_at < _IDLE_SECONDS:
        return
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT 1")
    except psycopg.OperationalError as error:
        raise DisconnectionError from error
    finally:
        cursor.close()
