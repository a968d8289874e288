"""Both tiers of the shop as programs on a real Redis and PostgreSQL, for tests that go through the storefront."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from redis import Redis
from support.traced_shop import program, python
from support.xray_daemon import APPS

CUSTOMER = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada Lovelace"}
ADMIN = {"email": "grace@example.com", "password": "staple of the admin", "name": "Grace Hopper"}
_REDIS_DATABASE = 7  # of the sixteen; no other test uses it


@dataclass(frozen=True)
class RunningShop:
    """A storefront that is up, with the whole catalogue, a customer and an admin, and without rate limits."""

    url: str
    api_url: str
    database_url: str
    redis_url: str

    def change(self, statement: str, *values: object) -> None:
        """Runs SQL with values for its %s behind the shop's back, and lets it forget what it remembers of before."""
        with psycopg.connect(_plain(self.database_url), autocommit=True) as connection:
            connection.execute(statement.encode(), values or None)
        with Redis.from_url(self.redis_url) as redis:
            redis.flushdb()


@contextmanager
def running_shop(folder: Path, database_url: str, redis_url: str, **settings: str) -> Iterator[RunningShop]:
    """Runs backend and storefront on a database of their own; `settings` are further environment variables."""
    name = f"storefront_{secrets.token_hex(4)}"
    _on_server(database_url, f"CREATE DATABASE {name}")
    own_database = f"{database_url.rpartition('/')[0]}/{name}"
    own_redis = f"{redis_url.rpartition('/')[0]}/{_REDIS_DATABASE}"
    environ = _environment(folder, own_database, own_redis) | settings
    seeding = ("seed", "--accounts-file", str(folder / "accounts.json"))
    for command in (("migrate",), seeding):
        subprocess.run(python("backend", *command), env=environ, check=True, stdout=subprocess.DEVNULL, timeout=60)
    try:
        with ExitStack() as programs:
            api_url = f"http://127.0.0.1:{programs.enter_context(program('backend', 'BACKEND_PORT', environ))}"
            environ["INTERNAL_API_URL"] = api_url
            port = programs.enter_context(program("frontend", "FRONTEND_PORT", environ))
            yield RunningShop(f"http://127.0.0.1:{port}", api_url, own_database, own_redis)
    finally:
        _on_server(database_url, f"DROP DATABASE {name} WITH (FORCE)")


def _environment(folder: Path, database_url: str, redis_url: str) -> dict[str, str]:
    (folder / "key").write_bytes(secrets.token_bytes(32))
    (folder / "accounts.json").write_text(json.dumps([CUSTOMER]))
    (folder / "admin.json").write_text(json.dumps(ADMIN))
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APPS),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TOKEN_KEY_FILE": str(folder / "key"),
        "SESSION_KEY_FILE": str(folder / "key"),
        "ADMIN_ACCOUNT_FILE": str(folder / "admin.json"),
        "ARGON2_MEMORY_KIB": "8",
        "ARGON2_PASSES": "1",
        "RATE_LIMITS": "off",
        "TRACING": "off",
    }


def _on_server(database_url: str, statement: str) -> None:
    with psycopg.connect(_plain(database_url), autocommit=True) as connection:
        connection.execute(statement.encode())


def _plain(database_url: str) -> str:
    return database_url.replace("+psycopg", "")
