"""The schema's migrations on a real PostgreSQL: forward, back, at once, killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from backend import schema
from backend.schema import BASE, Plan
from backend.tables import metadata
from psycopg.abc import Query
from psycopg.sql import SQL, Identifier
from sqlalchemy import create_engine
from support.waiting import eventually
from tracing import SettingsError

NewDatabase = Callable[[], AbstractContextManager[str]]
ROOT = Path(__file__).resolve().parents[4]
FORMER_TABLES = Path(__file__).with_name("former_tables.sql").read_text("utf-8")
REVISIONS = [revision for revision in schema.revisions() if revision]
HEAD = REVISIONS[-1]
# A row of every table, as the first revision has them; what later ones add has a default, or finds one.
ROWS = """
INSERT INTO users (email, name, password_hash) VALUES ('ada@example.com', 'Ada', 'hash');
INSERT INTO sessions (id, user_id, expires_at) SELECT 'session', id, now() FROM users;
INSERT INTO categories (slug, name) VALUES ('living', 'Living');
INSERT INTO categories (slug, name, parent_id) SELECT 'lighting', 'Lighting', id FROM categories;
INSERT INTO products (sku, slug, name, description, price, stock, category_id)
  SELECT 'LAM-1', 'halo-lamp', 'Halo lamp', 'It shines.', 45, 7, max(id) FROM categories;
INSERT INTO orders (user_id, total, shipping_address, idempotency_key, request_digest)
  SELECT id, 90, '{"city": "Ulm"}', 'key', 'digest' FROM users;
INSERT INTO order_items (order_id, product_id, quantity, unit_price)
  SELECT orders.id, products.id, 2, 45 FROM orders, products;
"""
DESCRIBED = """
SELECT 'column', concat_ws(' ', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
       attidentity, attgenerated, pg_get_expr(adbin, adrelid))
  FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
  WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')
  AND attnum > 0 AND NOT attisdropped AND attrelid::regclass::text <> 'alembic_version'
UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL SELECT 'constraint', concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
"""


@pytest.fixture
def url(new_database: NewDatabase) -> Iterator[str]:
    """A database of this test, without tables."""
    with new_database() as made:
        yield made


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


def _run(url: str, *statements: Query) -> list[tuple[Any, ...]]:
    with _connected(url) as connection:
        for statement in statements:
            answer = connection.execute(statement)
        return answer.fetchall() if answer.description else []


def _described(url: str) -> list[tuple[Any, ...]]:
    """Every column, index and constraint of the shop's tables, in PostgreSQL's words."""
    return sorted(_run(url, DESCRIBED))


def _content(url: str) -> dict[str, Any]:
    """Every row of the shop's tables, by table."""
    tables = [name for (name,) in _run(url, "SELECT relname FROM pg_stat_user_tables") if name != "alembic_version"]
    rows = SQL("SELECT to_jsonb({0}) FROM {0} ORDER BY 1")
    return {name: [row for (row,) in _run(url, rows.format(Identifier(name)))] for name in tables}


def _start(url: str, *arguments: str) -> subprocess.Popen[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "apps"),
        "PYTHONWARNINGS": "error",
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    command = [sys.executable, "-m", "backend", "migrate", *arguments]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _report(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    report: dict[str, Any] = json.loads(output)
    return report


def _waiting(connection: psycopg.Connection[Any], kind: str) -> int:
    """How many locks of a kind are waited for in the connection's database."""
    query = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = %s AND locktype = %s"
    [count] = connection.execute(query + " AND NOT granted", [connection.info.dbname, kind]).fetchone() or [0]
    return int(count)


def test_revisions_follow_one_another_without_branches() -> None:
    assert schema.revisions()[0] is None
    assert sorted(set(REVISIONS)) == REVISIONS


def test_planned_steps_are_taken_once(url: str) -> None:
    planned = schema.migrate(url, check=True)
    assert planned == Plan(None, HEAD, tuple(REVISIONS))
    assert _described(url) == []
    assert schema.migrate(url) == planned
    assert schema.migrate(url) == schema.migrate(url, check=True) == Plan(HEAD, HEAD, ())


def test_migrated_schema_is_that_of_the_tables(url: str, new_database: NewDatabase) -> None:
    schema.migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    engine.dispose()
    with new_database() as other:
        metadata.create_all(engine := create_engine(other))
        engine.dispose()
        assert _described(url) == _described(other)


@pytest.mark.parametrize("revision", REVISIONS)
def test_step_goes_forward_and_back_with_rows_in_the_tables(url: str, revision: str) -> None:
    """To the first revision as there are no rows before it, then to the one before this, forward, back, forward."""
    schema.migrate(url, REVISIONS[0])
    _run(url, *ROWS.split(";\n"))
    before = schema.revisions()[schema.revisions().index(revision) - 1]
    if before is not None:
        schema.migrate(url, before)
    described, content = _described(url), _content(url)
    assert all(content.values())
    if before is None:
        assert schema.migrate(url, BASE).steps == (revision,)
    else:
        assert schema.migrate(url, revision).steps == (revision,)
        forward = _described(url), _content(url)
        assert schema.migrate(url, before).steps == (revision,)
        assert (_described(url), _content(url)) == (described, content)
        assert schema.migrate(url, revision).steps == (revision,)
        assert (_described(url), _content(url)) == forward


def test_all_steps_go_back_to_nothing_and_forward_again(url: str) -> None:
    schema.migrate(url)
    made = _described(url)
    assert schema.migrate(url, BASE) == Plan(HEAD, None, tuple(reversed(REVISIONS)))
    assert _described(url) == []
    assert schema.migrate(url) == Plan(None, HEAD, tuple(REVISIONS))
    assert _described(url) == made


def test_database_from_before_the_migrations_is_adopted_with_its_rows(url: str, new_database: NewDatabase) -> None:
    _run(url, FORMER_TABLES, *ROWS.split(";\n"))
    with new_database() as other:
        schema.migrate(other, REVISIONS[0])
        assert _described(url) == _described(other)
    rows = _content(url)
    planned = schema.migrate(url, check=True)
    assert planned == Plan(REVISIONS[0], HEAD, tuple(REVISIONS[1:]), adopted=True)
    assert schema.migrate(url) == planned
    assert schema.migrate(url) == Plan(HEAD, HEAD, ())
    kept = _content(url)
    for table, was in rows.items():
        assert [{name: row[name] for name in old} for row, old in zip(kept[table], was, strict=True)] == was


def test_half_of_the_first_tables_is_refused_and_left_alone(url: str) -> None:
    _run(url, FORMER_TABLES, "DROP TABLE order_items")
    before = _described(url)
    with pytest.raises(SettingsError, match="lacks order_items"):
        schema.migrate(url)
    assert _described(url) == before


@pytest.mark.parametrize(("target", "named"), [("9999", "--to 9999"), ("", "--to"), ("heads; --", "--to heads")])
def test_unknown_target_is_refused(url: str, target: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        schema.migrate(url, target)
    assert _described(url) == []


def test_newer_database_than_the_code_is_refused(url: str) -> None:
    schema.migrate(url)
    _run(url, "UPDATE alembic_version SET version_num = '9999'")
    process = _start(url)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (2, "")
    [line] = errors.splitlines()
    assert "revision 9999" in line


def test_of_two_processes_at_once_one_migrates_and_the_other_finds_it_done(url: str) -> None:
    with _connected(url) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", [schema.LOCK])
        processes = [_start(url), _start(url)]
        eventually(lambda: _waiting(gate, "advisory") == 2)
        assert _described(url) == []
        gate.execute("SELECT pg_advisory_unlock(%s)", [schema.LOCK])
        reports = [_report(process) for process in processes]
    assert sorted(report["steps"] for report in reports) == [[], REVISIONS]
    assert {report["to"] for report in reports} == {HEAD}


def test_process_killed_in_the_middle_leaves_the_last_whole_revision(url: str) -> None:
    """On its way back from the first revision it has dropped some tables, and waits for one that a customer reads."""
    schema.migrate(url, REVISIONS[0])
    _run(url, *ROWS.split(";\n"))
    described, content = _described(url), _content(url)
    with _connected(url) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM users")
        process = _start(url, "--to", BASE)
        eventually(lambda: _waiting(other, "relation") == 1)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        other.execute("COMMIT")
    assert schema.migrate(url, REVISIONS[0]) == Plan(REVISIONS[0], REVISIONS[0], ())
    assert (_described(url), _content(url)) == (described, content)


def test_way_back_is_reported_as_one_line(url: str) -> None:
    forward = _report(_start(url))
    planned = _report(_start(url, "--check", "--to", "base"))
    assert planned == _report(_start(url, "--to", "base"))
    assert planned == {"changed": True, "from": HEAD, "to": None, "steps": REVISIONS[::-1], "adopted": False}
    assert forward == {"changed": True, "from": None, "to": HEAD, "steps": REVISIONS, "adopted": False}
