"""SQL statements as subsegments: the statement with its placeholders, never parameters nor literals.

An engine's dialect is where statements leave for the driver. Its methods are wrapped rather than SQLAlchemy's events
listened to, since an engine with listeners takes a slower way for every statement, recorded or not.
"""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.engine import URL, Dialect, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from tracing.entities import Subsegment, recording
from tracing.statements import sanitized

_HOOKS = ("do_execute", "do_executemany", "do_execute_no_params", "do_commit", "connect")
_TYPES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "oracle": "Oracle"}
_Database = dict[str, str]
_Hook = Callable[..., Any]
_of_class: WeakSet[Dialect] = WeakSet()


def instrument(engine: Engine | AsyncEngine | type[Engine]) -> None:
    """Makes an engine's statements subsegments of the current one, named after the database ("postgresql").

    The class `Engine` stands for all engines from the next connection on that they make. Twice is once, also of an
    engine and its class.
    """
    if isinstance(engine, type):
        if not event.contains(engine, "do_connect", _trace_when_connecting):
            event.listen(engine, "do_connect", _trace_when_connecting)
    else:
        _trace(engine.dialect, engine.url)


def uninstrument(engine: Engine | AsyncEngine | type[Engine]) -> None:
    """Undoes `instrument` of the same engine or class."""
    if not isinstance(engine, type):
        _untrace(engine.dialect)
    elif event.contains(engine, "do_connect", _trace_when_connecting):
        event.remove(engine, "do_connect", _trace_when_connecting)
        for dialect in list(_of_class):
            _untrace(dialect)


def _trace_when_connecting(dialect: Dialect, *_unused: Any) -> None:
    if _trace(dialect, None):
        _of_class.add(dialect)


def _trace(dialect: Dialect, url: URL | None) -> bool:
    if "do_execute" in vars(dialect):
        return False
    database = {"database_type": _TYPES.get(dialect.name, dialect.name)}
    if url is not None:
        database["url"] = _place(url)
    vars(dialect).update(
        do_execute=_execution(dialect.do_execute, dialect.name, database),
        do_executemany=_execution(dialect.do_executemany, dialect.name, database, is_many=True),
        do_execute_no_params=_execution(dialect.do_execute_no_params, dialect.name, database),
        do_commit=_commit(dialect.do_commit, dialect.name, database),
        connect=_connection(dialect.connect, dialect.name, database),
    )
    return True


def _untrace(dialect: Dialect) -> None:
    _of_class.discard(dialect)
    for name in _HOOKS:
        vars(dialect).pop(name, None)


def _execution(original: _Hook, name: str, database: _Database, *, is_many: bool = False) -> _Hook:
    def execute(cursor: Any, statement: str, *arguments: Any, **options: Any) -> None:
        entity = recording()
        if entity is None:
            original(cursor, statement, *arguments, **options)
            return
        if "url" not in database and (connection := getattr(arguments[-1], "root_connection", None)) is not None:
            database["url"] = _place(connection.engine.url)
        part = entity.child(name, "remote")
        part.document["sql"] = {**database, "sanitized_query": sanitized(statement, name)}
        _call(part, original, cursor, statement, *arguments, **options)
        counts = {"parameter_sets": len(arguments[0])} if is_many else {}
        if cursor.rowcount >= 0:  # -1 where the driver does not know, as with a cursor on the server
            counts["rows"] = cursor.rowcount
        if counts:
            part.document["metadata"] = {"sql": counts}
        part.close()

    return execute


def _commit(original: _Hook, name: str, database: _Database) -> _Hook:
    """Where a database waits for its disk, and for what is checked at a transaction's end."""

    def commit(connection: Any) -> None:
        entity = recording()
        if entity is None:
            original(connection)
            return
        part = entity.child(name, "remote")
        part.document["sql"] = {**database, "sanitized_query": "COMMIT"}
        _call(part, original, connection)
        part.close()

    return commit


def _call(part: Subsegment, original: _Hook, *arguments: Any, **options: Any) -> None:
    try:
        original(*arguments, **options)
    except BaseException as error:
        part.close(error)
        raise


def _connection(original: _Hook, name: str, database: _Database) -> _Hook:
    """Connecting is told of where it fails: no statement is then there to tell that the database is gone."""

    def connect(*arguments: Any, **options: Any) -> Any:
        began = time()
        try:
            return original(*arguments, **options)
        except BaseException as error:
            if (entity := recording()) is not None:
                part = entity.child(name, "remote")
                part.document.update(start_time=began, sql=dict(database))
                part.close(error)
            raise

    return connect


def _place(url: URL) -> str:
    """The URL of a database without account, password and options."""
    bare = url.set(drivername=url.get_backend_name(), query={})._replace(username=None, password=None)
    return bare.render_as_string()
