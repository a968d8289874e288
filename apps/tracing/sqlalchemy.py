"""SQL statements as subsegments: the statement with its placeholders, never the parameters."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext

from tracing.entities import Subsegment, recording

_STATEMENT_CHARACTERS = 4000
_OPEN = "tracing_subsegment"
_TYPES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}


def instrument(engine: Engine) -> None:
    """Makes an engine's statements subsegments of the current segment, named after the database ("postgresql")."""
    if not event.contains(engine, "before_cursor_execute", _before):
        event.listen(engine, "before_cursor_execute", _before)
        event.listen(engine, "after_cursor_execute", _after)
        event.listen(engine, "handle_error", _failed)


def uninstrument(engine: Engine) -> None:
    """Undoes `instrument`."""
    if event.contains(engine, "before_cursor_execute", _before):
        event.remove(engine, "before_cursor_execute", _before)
        event.remove(engine, "after_cursor_execute", _after)
        event.remove(engine, "handle_error", _failed)


def _before(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
    entity = recording()
    if entity is None:
        return
    name = connection.dialect.name
    part = entity.child(name, "remote")
    part.document["sql"] = {
        "database_type": _TYPES.get(name, name),
        "sanitized_query": statement[:_STATEMENT_CHARACTERS],
    }
    connection.info[_OPEN] = part


def _after(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
    part: Subsegment | None = connection.info.pop(_OPEN, None)
    if part is not None:
        part.add_metadata("sql", {"rows": cursor.rowcount})
        part.close()


def _failed(context: ExceptionContext) -> None:
    if context.connection is None:
        return
    part: Subsegment | None = context.connection.info.pop(_OPEN, None)
    if part is not None:
        part.close(context.original_exception)
