"""SQL statements in a request's subsegments, executed by PostgreSQL and SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
import tracing.sqlalchemy
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, event, insert, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool
from support.servers import free_port
from support.traced import parts_of, traced_request

_people = Table("traced_people", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(database_url)
    _people.metadata.drop_all(made)
    _people.metadata.create_all(made)
    tracing.sqlalchemy.instrument(made)
    yield made
    tracing.sqlalchemy.uninstrument(made)
    made.dispose()


def test_statement_is_kept_without_parameters_and_literals(engine: Engine) -> None:
    with traced_request() as segment, engine.connect() as connection:
        connection.execute(text("SELECT :name AS name, 'hidden', 42"), {"name": "secret"})
    [part] = segment.document["subsegments"]
    assert (part["name"], part["namespace"]) == ("postgresql", "remote")
    assert part["sql"] == {
        "database_type": "PostgreSQL",
        "url": f"postgresql://127.0.0.1:{engine.url.port}/shop",
        "sanitized_query": "SELECT %(name)s AS name, ?, ?",
    }
    assert part["metadata"] == {"sql": {"rows": 1}}
    assert ("secret" in str(segment.document), "hidden" in str(segment.document)) == (False, False)


def test_password_and_options_of_the_url_do_not_show() -> None:
    made = create_engine("postgresql+psycopg://anna:secret@database:5432/shop?application_name=hidden")
    assert tracing.sqlalchemy._place(made.url) == "postgresql://database:5432/shop"


def test_many_sets_of_parameters_are_one_statement(engine: Engine) -> None:
    people = [{"id": number, "name": "secret"} for number in range(3)]
    with traced_request() as segment, engine.begin() as connection:
        connection.execute(insert(_people), people)
    part, commit = segment.document["subsegments"]
    assert part["metadata"] == {"sql": {"rows": 3, "parameter_sets": 3}}
    assert (commit["sql"]["sanitized_query"], "end_time" in commit) == ("COMMIT", True)
    assert "secret" not in str(segment.document)


def test_streamed_result_is_told_without_rows_where_the_driver_does_not_know_them(engine: Engine) -> None:
    with traced_request() as segment, engine.connect() as connection:
        result = connection.execution_options(stream_results=True).execute(text("SELECT generate_series(1, 1000)"))
        with connection.engine.connect() as other:
            other.execute(text("SELECT 1"))
        assert len(result.all()) == 1000
    assert parts_of(segment.document) == ["postgresql", "postgresql"]
    assert all("end_time" in part for part in segment.document["subsegments"])


def test_rows_are_left_out_where_the_driver_does_not_know_them() -> None:
    made = create_engine("sqlite://")
    tracing.sqlalchemy.instrument(made)
    with traced_request() as segment, made.connect() as connection:
        connection.execute(text("SELECT 1"))
    made.dispose()
    [part] = segment.document["subsegments"]
    assert (part["name"], part["sql"]["database_type"], "metadata" in part) == ("sqlite", "SQLite", False)


def test_failed_statement_is_a_fault_and_the_next_is_not(engine: Engine) -> None:
    with traced_request() as segment, engine.connect() as connection:
        with pytest.raises(ProgrammingError):
            connection.execute(text("SELECT nothing FROM nowhere"))
        connection.rollback()
        connection.execute(text("SELECT 1"))
    failed, fine = segment.document["subsegments"]
    assert (failed["fault"], "in_progress" in failed, "fault" in fine) == (True, False, False)
    assert "UndefinedTable" in failed["cause"]["exceptions"][0]["type"]


def test_transaction_that_fails_at_its_end_is_a_fault_of_its_commit(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS deferred"))
        connection.execute(text("CREATE TABLE deferred (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    with traced_request() as segment, engine.connect() as connection:
        connection.execute(text("INSERT INTO deferred VALUES (1), (1)"))
        with pytest.raises(IntegrityError):
            connection.commit()
    inserted, commit = segment.document["subsegments"]
    assert (commit["sql"]["sanitized_query"], commit["fault"], "fault" in inserted) == ("COMMIT", True, False)


def test_database_that_is_gone_is_a_fault() -> None:
    made = create_engine(f"postgresql+psycopg://anna:secret@127.0.0.1:{free_port()}/shop")
    tracing.sqlalchemy.instrument(made)
    with traced_request() as segment, pytest.raises(OperationalError):
        made.connect()
    with pytest.raises(OperationalError):
        made.connect()
    [part] = segment.document["subsegments"]
    assert (part["name"], part["fault"], part["sql"]["database_type"]) == ("postgresql", True, "PostgreSQL")
    assert "secret" not in str(part)


def test_statement_executed_by_a_listener_stands_beside_its_cause(engine: Engine) -> None:
    def look_up(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "outer" in statement:
            connection.execute(text("SELECT 2 AS inner_one"))

    event.listen(engine, "before_cursor_execute", look_up)
    event.listen(engine, "after_cursor_execute", look_up)
    with traced_request() as segment, engine.connect() as connection:
        connection.execute(text("SELECT 1 AS outer_one"))
    statements = [part["sql"]["sanitized_query"] for part in segment.document["subsegments"]]
    assert sorted(statements) == ["SELECT ? AS inner_one"] * 2 + ["SELECT ? AS outer_one"]
    assert all("end_time" in part for part in segment.document["subsegments"])


def test_connection_shared_by_threads_keeps_their_requests_apart() -> None:
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    tracing.sqlalchemy.instrument(made)

    def request(number: int) -> set[str]:
        with traced_request() as segment, made.connect() as connection:
            for _unused in range(20):
                connection.execute(text(f"SELECT 1 AS of_{number}"))
        assert len(segment.document["subsegments"]) == 20
        return {part["sql"]["sanitized_query"] for part in segment.document["subsegments"] if "end_time" in part}

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda number: copy_context().run(request, number), range(4)))
    made.dispose()
    assert seen == [{f"SELECT ? AS of_{number}"} for number in range(4)]


def test_coroutines_engine_is_traced(database_url: str) -> None:
    async def work() -> None:
        made = create_async_engine(database_url)
        tracing.sqlalchemy.instrument(made)
        async with made.connect() as connection:
            await connection.execute(text("SELECT 1 AS traced"))
            tracing.sqlalchemy.uninstrument(made)
            await connection.execute(text("SELECT 2 AS untraced"))
        await made.dispose()

    with traced_request() as segment:
        asyncio.run(work())
    statements = [part["sql"]["sanitized_query"] for part in segment.document["subsegments"]]
    assert statements[-1] == "SELECT ? AS traced"  # after what SQLAlchemy asks on its first connection


def test_class_stands_for_all_engines_and_no_statement_is_told_twice(engine: Engine) -> None:
    tracing.sqlalchemy.instrument(Engine)
    later = create_engine("sqlite://")
    try:
        with traced_request() as segment, engine.connect() as connection, later.connect() as other:
            connection.execute(text("SELECT 1"))
            other.execute(text("SELECT 1"))
    finally:
        tracing.sqlalchemy.uninstrument(Engine)
    with traced_request() as after, later.connect() as other:
        other.execute(text("SELECT 1"))
    later.dispose()
    assert (parts_of(segment.document)[-2:], parts_of(after.document)) == (["postgresql", "sqlite"], [])
    assert segment.document["subsegments"][-1]["sql"]["url"] == "sqlite://"


def test_without_a_sampled_request_nothing_is_noted(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with traced_request(sampled=False) as segment:
            connection.execute(text("SELECT 1"))
    assert parts_of(segment.document) == []
