"""What a traced application does inside a request: with the tracer's whole face, in order and out of it."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import sqlalchemy
import tracing.redis
import tracing.sqlalchemy
from fuzz.environs import Environ
from fuzz.faces import call_by_http_client, use_recorder
from fuzz.values import odd_error, odd_key, odd_name, odd_value
from redis import Redis
from sqlalchemy.pool import StaticPool
from tracing import annotate, current, record_exception, subsegment
from tracing.http import outgoing, traced_headers

GATE, THREADS, COMPLAINTS = "fuzz.gate", "fuzz.threads", "fuzz.complaints"
_DEEPEST = 4
_WAIT_SECONDS = 30
_SWITCH_SECONDS = 1e-5
_RACES_SECONDS = 0.002
_COMMANDS: tuple[tuple[Any, ...], ...] = (
    ("GET", "a"),
    ("MGET", "a", "b"),
    ("EVAL", "return 1", 1, "a"),
    ("EVAL", "return 1", "none"),
    ("EVALSHA", "0" * 40),
    ("MSET", "a", 1, "b"),
    ("get", b"\xff"),
    (b"GET", "a"),
    (7, None),
    ("",),
)
_STATEMENTS = ("SELECT 1", "SELECT :value", "SELECT nothing", "INSERT INTO things VALUES (:value)", "")

Act = Callable[[Random, Environ, int], None]


class _SilentRedis(Redis):
    """A client that answers without a server."""

    def execute_command(self, *arguments: Any, **_options: Any) -> Any:
        if len(arguments) > 1 and arguments[1] == b"\xff":
            raise ConnectionError("the server went away")
        return len(arguments)


def act(chance: Random, environ: Environ, depth: int = 0) -> None:
    """Does some things, mostly none; what they raise is what an application would see of the tracer."""
    if chance.random() < 0.5:
        return
    for _unused in range(chance.randrange(1, 5)):
        kind = chance.random()
        doing = next(action for bound, action in _ACTIONS if kind < bound)
        try:
            doing(chance, environ, depth)
        except BaseException as error:  # noqa: BLE001  what an action means to raise it handles itself
            environ[COMPLAINTS].append(error)


def _nest(chance: Random, environ: Environ, depth: int) -> None:
    """Subsegments in subsegments; every eighth ends by an exception."""
    if depth >= _DEEPEST:
        return
    name, namespace = odd_name(chance), chance.choice([None, None, "remote", "aws"])
    error = odd_error(chance) if chance.random() < 0.125 else None
    try:
        with subsegment(name, namespace) as part:
            part.annotate(odd_key(chance), odd_value(chance))
            act(chance, environ, depth + 1)
            if error is not None:
                raise error
    except BaseException as raised:
        if raised is not error:
            raise


def _decorate(chance: Random, environ: Environ, depth: int) -> None:
    """A generator and a coroutine as subsegments, run to their ends, left or failing."""
    name, leaves = odd_name(chance), chance.random() < 0.3
    error = odd_error(chance) if chance.random() < 0.3 else None

    @subsegment(name)
    def numbers() -> Generator[int, None, None]:
        yield 1
        annotate("within", 1)
        if error is not None:
            raise error
        yield 2

    @subsegment(name)
    async def work() -> None:
        if error is not None:
            raise error

    generator, coroutine = numbers(), work()
    for step in (lambda: next(generator) if leaves else list(generator), lambda: coroutine.send(None)):
        try:
            step()
        except BaseException as raised:
            # Python itself makes a RuntimeError of a StopIteration in either (PEP 479).
            if raised is not error and raised.__cause__ is not error and not isinstance(raised, StopIteration):
                raise
    generator.close()
    coroutine.close()


def _note(chance: Random, environ: Environ, depth: int) -> None:
    for _unused in range(chance.choice([1, 1, 1, 1, 1, 2, 2, 80])):
        annotate(odd_key(chance), odd_value(chance))


def _tell(chance: Random, environ: Environ, depth: int) -> None:
    namespace, key, value = odd_key(chance), odd_key(chance), odd_value(chance)
    if (entity := current()) is not None:
        entity.add_metadata(namespace, {key: value})
        assert isinstance(entity.header(), str)


def _record(chance: Random, environ: Environ, depth: int) -> None:
    try:
        raise odd_error(chance)
    except BaseException as error:  # noqa: BLE001  an application may handle whatever it likes
        record_exception(error)


def _overlap(chance: Random, environ: Environ, depth: int) -> None:
    """Subsegments that end in another order than they began, twice, or never."""
    leaves_open, name, other = chance.random() < 0.3, odd_name(chance), odd_name(chance)
    parent = current()
    if parent is None:
        return
    first, second = parent.child(name), parent.child(other, "remote")
    inner = second.child("inner")
    second.close()
    if not leaves_open:
        inner.close(ValueError("late"))
        first.close()
        first.close()


def _ask_redis(chance: Random, environ: Environ, depth: int) -> None:
    with suppress(ConnectionError):
        _redis().execute_command(*chance.choice(_COMMANDS))  # type: ignore[no-untyped-call]


def _ask_sql(chance: Random, environ: Environ, depth: int) -> None:
    statement, value = chance.choice(_STATEMENTS), chance.choice([1, "\ud800", "text", None])
    with suppress(sqlalchemy.exc.SQLAlchemyError, UnicodeEncodeError), _engine().connect() as connection:
        connection.execute(sqlalchemy.text(statement), {"value": value} if ":value" in statement else {})


def _call_out(chance: Random, environ: Environ, depth: int) -> None:
    status, fails = chance.choice([200, 404, 429, 503, 0, -1]), chance.random() < 0.2
    with (
        suppress(TimeoutError),
        outgoing(odd_name(chance), chance.choice(["GET", "\ud800"]), chance.choice(["http://x/a?b=c", "?", "\udcff"])),
    ):
        assert all(isinstance(value, str) for value in traced_headers().values())
        if fails:
            raise TimeoutError("no answer")
    with outgoing("backend", "GET", "http://backend/") as call:
        call.answered(status, chance.choice([None, 12]))


def _crowd(chance: Random, environ: Environ, depth: int) -> None:
    """A document far over the limit: thousands of subsegments, or a few with long texts."""
    if chance.random() > 0.04:
        return
    parts, characters = chance.choice([(3000, 0), (1200, 200), (40, 6000), (1, 300_000)])
    nested = chance.random() < 0.3
    with subsegment("crowd") as crowd:
        parent = crowd
        for number in range(parts):
            part = parent.child(f"part {number}", "remote")
            part.annotate("text", "x" * characters)
            part.add_metadata("texts", {"text": "ä" * characters})
            part.close()
            parent = part if nested and number % 100 else crowd


def _outlive(chance: Random, environ: Environ, depth: int) -> None:
    """A thread that goes on with the request's context when the request is over, or beside it."""
    if chance.random() > 0.08:
        return
    races, copies, seed, gate = chance.random() < 0.3, chance.random() < 0.5, chance.getrandbits(32), environ[GATE]
    work: Any = _race if races else _go_on
    if copies:  # the others get what is traced by the hook on threads
        work = partial(contextvars.copy_context().run, work)
    thread = threading.Thread(target=work, args=(Random(seed), gate), daemon=True)
    environ[THREADS].append(thread)
    if races:
        sys.setswitchinterval(_SWITCH_SECONDS)
    thread.start()


def _go_on(chance: Random, gate: threading.Event) -> None:
    gate.wait(_WAIT_SECONDS)
    for _unused in range(20):
        annotate(odd_key(chance), odd_value(chance))
        with subsegment("late"):
            record_exception(odd_error(chance))


def _race(chance: Random, gate: threading.Event) -> None:
    """Changes the document while the request ends and it is being sent."""
    until = time.monotonic() + _RACES_SECONDS
    while time.monotonic() < until:
        with subsegment("beside") as part:
            part.annotate(f"key{chance.randrange(1000)}", "\ud800")
            annotate(f"key{chance.randrange(1000)}", 1)


def _redis() -> Redis:
    """This process' client, traced."""
    client = _KEPT.get("redis")
    if client is None:
        client = _KEPT["redis"] = _SilentRedis()
        tracing.redis.instrument(client)
    return client


def _engine() -> sqlalchemy.Engine:
    """This process' database in memory, traced."""
    engine = _KEPT.get("engine")
    if engine is None:
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        engine = _KEPT["engine"] = sqlalchemy.create_engine("sqlite://", **options)
        tracing.sqlalchemy.instrument(engine)
    return engine


_KEPT: dict[str, Any] = {}
_ACTIONS: tuple[tuple[float, Act], ...] = (
    (0.28, _nest),
    (0.30, _decorate),
    (0.48, _note),
    (0.56, _tell),
    (0.62, _record),
    (0.70, _overlap),
    (0.77, use_recorder),
    (0.83, _ask_redis),
    (0.86, _ask_sql),
    (0.89, _call_out),
    (0.92, call_by_http_client),
    (0.96, _crowd),
    (1.00, _outlive),
)
