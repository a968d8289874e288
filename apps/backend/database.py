"""Connections to PostgreSQL: one pool, with short waits, for reading and for writing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from serving.circuit import Circuit
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

_CONNECT_SECONDS = 2
_POOL_WAIT_SECONDS = 3
_IDLE_SECONDS = 5.0
_USED_AT = "used_at"
# How much later than the server, which ends a statement that takes too long, one takes the server itself for frozen.
_SILENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Database:
    """`writer` opens transactions; `reader` runs single statements, each a transaction, without BEGIN and COMMIT."""

    writer: Engine
    reader: Engine


class _Connection(psycopg.Connection[Any]):
    """A connection on which no answer is waited for without end: a frozen server keeps it open, and says nothing."""

    circuit: Circuit | None = None
    silence_seconds: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        try:
            result = super().wait(gen, interval, timeout or self.silence_seconds)
        except psycopg.OperationalError:
            if self.circuit is not None and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.circuit.failed()
                self.pgconn.finish()
            raise
        if self.circuit is not None:
            self.circuit.succeeded()
        return result


def connect(url: str, pool_size: int, statement_seconds: float) -> Database:
    """Opens a pool of at most `pool_size` connections, which are made when they are needed.

    A statement that takes longer than `statement_seconds`, or waits longer than three fifths of that for a lock, is
    ended by the server, and one of a server that is silent for a second more by us. From then on the database is left
    alone, with OperationalError for all but one who tries it again each second.
    """
    circuit = Circuit()
    reader = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": _CONNECT_SECONDS, "options": _options(statement_seconds)},
    )

    def open_connection(_dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]) -> Any:
        _check(circuit)
        try:
            connection = _Connection.connect(*arguments, **parameters)
        except psycopg.OperationalError:
            circuit.failed()
            raise
        connection.circuit, connection.silence_seconds = circuit, statement_seconds + _SILENCE_SECONDS
        return connection

    def try_idle(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Tries a connection that was not used for a while, as a ping before every use would cost each a round trip."""
        used_at = record.info.get(_USED_AT)
        if used_at is not None:
            _check(circuit)
            if time.monotonic() - used_at >= _IDLE_SECONDS:
                _try(connection)

    event.listen(reader, "do_connect", open_connection)
    event.listen(reader, "checkin", _note_use)
    event.listen(reader, "checkout", try_idle)
    return Database(reader.execution_options(isolation_level="READ COMMITTED"), reader)


def _check(circuit: Circuit) -> None:
    if not circuit.lets_through():
        raise psycopg.OperationalError("the database was silent or away a moment ago")


def _options(statement_seconds: float) -> str:
    milliseconds = int(statement_seconds * 1000)
    settings = {
        "timezone": "UTC",
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds * 3 // 5,
        "idle_in_transaction_session_timeout": 2 * milliseconds,
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _note_use(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _try(connection: DBAPIConnection) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT 1")
    except psycopg.OperationalError as error:
        raise DisconnectionError from error
    finally:
        cursor.close()
