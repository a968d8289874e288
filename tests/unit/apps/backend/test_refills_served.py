"""A thousand clients who miss the same answer, over the processes of a served backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from backend.settings import Settings
from redis import Redis
from support.served import answer, connected, request, served_backend
from support.waiting import eventually

CLIENTS = 1000
COUNTED = """
SELECT coalesce(sum(calls), 0) FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '%FROM products%'
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM products%'
"""


@pytest.fixture
def database(seeded_settings: Settings) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded_settings.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("SELECT pg_stat_statements_reset()")
        yield connection


def _number(database: psycopg.Connection, query: str) -> int:
    row = database.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_thousand_misses_over_two_processes_are_one_query(
    tmp_path: Path, seeded_settings: Settings, redis: Redis, database: psycopg.Connection
) -> None:
    """The query waits for a lock until all requests are sent, so that they are all under way at the same time."""
    url = seeded_settings.database_url
    patient = {"CACHE_REFILL_SECONDS": "60", "REDIS_TIMEOUT_MS": "60000"}
    with served_backend(tmp_path, url, seeded_settings.redis_url, **patient) as (port, _unused):
        eventually(lambda: sum("t" in client["flags"] for client in redis.client_list()) == 2)  # both processes serve
        clients = [connected(port) for _unused in range(CLIENTS)]
        with database.transaction():
            database.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
            for client in clients:
                client.sendall(request("/api/catalog/products/halo-paper-lamp"))
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
                eventually(lambda: _number(other, WAITING) == 1)
                eventually(lambda: any(client["cmd"] == "xread" for client in redis.client_list()))
        answers = [answer(client) for client in clients]
    assert {status for status, _unused in answers} == {200}
    assert len({content.rpartition(b"\r\n")[2] for _unused, content in answers}) == 1
    assert _number(database, COUNTED) == 1
