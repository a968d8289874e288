"""Making the tables and the first content; each step can also only be planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Connection
from tracing import SettingsError

from backend import cache, database, schema
from backend.passwords import Passwords
from backend.seeding import Account, Catalog, seed_accounts, seed_catalog
from backend.settings import Settings

_CATALOG = Path(__file__).with_name("catalog.json")


@dataclass(frozen=True, slots=True)
class _Wanted:
    catalog: Catalog
    accounts: Sequence[Account]


def migrate(settings: Settings, target: str = schema.HEAD, *, check: bool) -> dict[str, object]:
    """Brings the tables to a revision; returns {"changed", "from", "to", "steps", "adopted"}.

    The steps are the revisions that were made, or taken back where "to" is the older one; with `check` those that
    would be. None is the revision of a database without tables, `adopted` tells of tables that had no revision yet.
    """
    plan = schema.migrate(settings.database_url, target, check=check)
    return {
        "changed": bool(plan.steps) or plan.adopted,
        "from": plan.current,
        "to": plan.target,
        "steps": list(plan.steps),
        "adopted": plan.adopted,
    }


def seed(settings: Settings, accounts_file: str | None, admin_file: str | None, *, check: bool) -> dict[str, object]:
    """Puts catalogue and accounts into the database; returns {"changed", "products", "users"}, the wanted numbers.

    Planning runs the same statements and takes them back.
    """
    wanted = _Wanted(Catalog(json.loads(_CATALOG.read_text())), _accounts(accounts_file, admin_file))
    result = {"products": wanted.catalog.product_count, "users": len(wanted.accounts)}
    engine = database.connect(settings.database_url, 1, settings.statement_seconds).writer
    try:
        with engine.connect() as connection:
            if check and schema.plan(connection).steps:
                return {"changed": True, **result}
            changed = _seed(connection, wanted, Passwords(settings.argon2_memory_kib, settings.argon2_passes))
            connection.rollback() if check else connection.commit()
    finally:
        engine.dispose()
    if changed and not check:
        _forget_answers(settings)
    return {"changed": changed, **result}


def _seed(connection: Connection, wanted: _Wanted, passwords: Passwords) -> bool:
    catalog_changed = seed_catalog(connection, wanted.catalog)
    return seed_accounts(connection, wanted.accounts, passwords) or catalog_changed


def _forget_answers(settings: Settings) -> None:
    """Throws out every cached answer: any of them may show what was seeded."""
    gate = cache.RedisGate(cache.connect(settings.redis_url, 1, settings.redis_answer_seconds))
    cache.ResponseCache(gate).clear()
    gate.client.close()


def _accounts(accounts_file: str | None, admin_file: str | None) -> list[Account]:
    customers = [] if accounts_file is None else _read(accounts_file, "--accounts-file", list)
    admin = [] if not admin_file else [_read(admin_file, "ADMIN_ACCOUNT_FILE", dict)]
    return [_account(entry, accounts_file, "customer") for entry in customers] + [
        _account(entry, admin_file, "admin") for entry in admin
    ]


def _read(path: str, option: str, shape: type[Any]) -> Any:
    try:
        content = json.loads(Path(path).read_text())
    except OSError as error:
        raise SettingsError(f"{option} {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{option} {path} is not JSON: {error}") from None
    if not isinstance(content, shape):
        kind = "a list of objects" if shape is list else "one object"
        raise SettingsError(f"{option} {path}: give {kind} with email, password and name")
    return content


def _account(entry: Any, path: str | None, role: str) -> Account:
    fields = [entry.get(name) for name in ("email", "password", "name")] if isinstance(entry, dict) else []
    texts = [field for field in fields if isinstance(field, str) and field]
    if len(texts) != 3:
        raise SettingsError(f"{path}: every account needs email, password and name")
    email, password, name = texts
    return Account(email.lower(), password, name, role)
