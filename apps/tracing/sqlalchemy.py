"""SQL statements as subsegments: the statement with its placeholders, never parameters nor literals."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from tracing.entities import Subsegment, recording
from tracing.statements import sanitized

_OPEN = "_tracing_subsegment"
_TYPES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "oracle": "Oracle"}
_databases: WeakKeyDictionary[Dialect, dict[str, str]] = WeakKeyDictionary()


def instrument(engine: Engine | AsyncEngine | type[Engine]) -> None:
    """Makes an engine's statements subsegments of the current one, named after the database ("postgresql").

    The class `Engine` stands for all engines, those to come as well. Twice is once, also of an engine and its class.
    """
    target = _sync(engine)
    for name, listener in _listeners():
        if not event.contains(target, name, listener):
            event.listen(target, name, listener)


def uninstrument(engine: Engine | AsyncEngine | type[Engine]) -> None:
    """Undoes `instrument` of the same engine or class."""
    target = _sync(engine)
    for name, listener in _listeners():
        if event.contains(target, name, listener):
            event.remove(target, name, listener)


def _sync(engine: Engine | AsyncEngine | type[Engine]) -> Engine | type[Engine]:
    return engine.sync_engine if isinstance(engine, AsyncEngine) else engine


def _listeners() -> tuple[tuple[str, Any], ...]:
    return ("before_cursor_execute", _before), ("after_cursor_execute", _after), ("handle_error", _failed)


def _before(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
    """The open subsegment is kept with the execution's own context: connections are shared, and executions nest."""
    entity = recording()
    if entity is None or context is None or _OPEN in context.__dict__:
        return
    dialect = connection.dialect
    part = entity.child(dialect.name, "remote")
    database = _databases.get(dialect) or _database(connection)
    part.document["sql"] = {**database, "sanitized_query": sanitized(statement, dialect.name)}
    context.__dict__[_OPEN] = part


def _after(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
    part = _taken(context)
    if part is None:
        return
    counts = {}
    if cursor.rowcount >= 0:  # -1 where the driver does not know, as with a cursor on the server
        counts["rows"] = cursor.rowcount
    if many:
        counts["parameter_sets"] = len(parameters)
    if counts:
        part.document["metadata"] = {"sql": counts}
    part.close()


def _failed(context: ExceptionContext) -> None:
    part = _taken(context.execution_context)
    if part is None and context.connection is None and context.engine is not None:
        part = _unreachable(context.engine)
    if part is not None:
        part.close(context.original_exception)


def _unreachable(engine: Engine) -> Subsegment | None:
    """The database that no connection could be had to."""
    entity = recording()
    if entity is None:
        return None
    part = entity.child(engine.dialect.name, "remote")
    part.document["sql"] = dict(_databases.get(engine.dialect) or _database(engine))
    return part


def _taken(context: Any) -> Subsegment | None:
    return None if context is None else context.__dict__.pop(_OPEN, None)


def _database(source: Connection | Engine) -> dict[str, str]:
    """What the statements of one engine have in common: kind and URL of the database, without account and options."""
    dialect, url = source.engine.dialect, source.engine.url
    place = url.set(drivername=dialect.name, query={})._replace(username=None, password=None)
    known = _databases[dialect] = {
        "database_type": _TYPES.get(dialect.name, dialect.name),
        "url": place.render_as_string(),
    }
    return known
