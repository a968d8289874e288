"""The schema by migrations: which steps lead from what is there to a revision; one process at a time takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.engine import Connection
from tracing import SettingsError

HEAD, BASE = "head", "base"

_FOLDER = Path(__file__).with_name("migrations")
# Any number will do as long as every process takes the same one.
LOCK = 5_221_940_417
# For its turn a process waits as long as another one's migrations may take, for a table only as long as customers, who
# queue up behind it, may wait.
_TURN_MILLISECONDS, _TABLE_MILLISECONDS = 600_000, 10_000
# What was made before there were migrations, which is what the first one makes.
_FIRST = "0001"
_FIRST_TABLES = frozenset({"users", "sessions", "categories", "products", "orders", "order_items"})


@dataclass(frozen=True, slots=True)
class Plan:
    """The way between two revisions: the steps are those to be made, or taken back where the way leads back.

    None is the revision of a database without tables. `adopted` tells of tables that are there without a revision.
    """

    current: str | None
    target: str | None
    steps: tuple[str, ...]
    adopted: bool = False


def migrate(url: str, target: str = HEAD, *, check: bool = False) -> Plan:
    """Takes the steps to a revision, each in a transaction of its own; with `check` only says which.

    Raises SettingsError for a revision that is not known and for a database that holds only some of the first tables.
    """
    options = f"-c timezone=UTC -c lock_timeout={_TURN_MILLISECONDS}"
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 2, "options": options})
    with engine.connect() as connection:
        if check:
            return plan(connection, target)
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.execute(text(f"SET lock_timeout = {_TABLE_MILLISECONDS}"))
        chosen = plan(connection, target)
        connection.commit()
        _take(connection, chosen)
        return chosen


def plan(connection: Connection, target: str = HEAD) -> Plan:
    """The way from the database's revision to the target: a revision, `head` or `base`. Raises as `migrate` does."""
    history = revisions()
    current = MigrationContext.configure(connection).get_current_revision()
    adopted = current is None and _holds_first_tables(connection)
    current = _FIRST if adopted else current
    if current not in history:
        raise SettingsError(f"DATABASE_URL: the database is at revision {current}, which this version does not know")
    wanted = {HEAD: history[-1], BASE: None}.get(target, target)
    if wanted not in history:
        raise SettingsError(f"--to {target}: give head, base or one of {', '.join(filter(None, history))}")
    return Plan(current, wanted, _between(history, current, wanted), adopted)


def revisions() -> list[str | None]:
    """None, then every revision, the oldest first; they follow one another without branches."""
    scripts = ScriptDirectory.from_config(_config())
    return [None, *reversed([script.revision for script in scripts.walk_revisions()])]


def _between(history: Sequence[str | None], current: str | None, wanted: str | None) -> tuple[str, ...]:
    here, there = history.index(current), history.index(wanted)
    steps = tuple(step for step in history[min(here, there) + 1 : max(here, there) + 1] if step)
    return steps if here < there else steps[::-1]


def _take(connection: Connection, chosen: Plan) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if chosen.adopted:
        command.stamp(config, _FIRST)
    if chosen.steps and chosen.steps[-1] == chosen.target:
        command.upgrade(config, chosen.steps[-1])
    elif chosen.steps:
        command.downgrade(config, chosen.target or BASE)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config


def _holds_first_tables(connection: Connection) -> bool:
    """Whether all of them are there. Raises SettingsError where it is only some."""
    found = _FIRST_TABLES.intersection(inspect(connection).get_table_names())
    if found and found != _FIRST_TABLES:
        missing = ", ".join(sorted(_FIRST_TABLES - found))
        raise SettingsError(f"DATABASE_URL: the database has tables of the shop but no revision, and lacks {missing}")
    return bool(found)
