"""Odd values: what an application may hand to a tracer as a name, a key, a value or an exception."""

from __future__ import annotations

import dataclasses
import decimal
import enum
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any


class Hostile:
    """Says nothing of itself."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Mute(Exception):
    """An exception without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Exit(BaseException):
    """What `except Exception` does not catch."""


class Text(str):
    """Not quite a str."""


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Basket:
    """A dataclass, which some JSON encoders take and others do not."""

    things: list[Any]


def _deep(depth: int) -> list[Any]:
    nested: list[Any] = []
    for _unused in range(depth):
        nested = [nested]
    return nested


def _ring() -> dict[str, Any]:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    return ring


def _counted() -> Iterator[int]:
    yield 1


_DEEP, _DEEPER = _deep(50), _deep(2000)
_VALUES: tuple[Callable[[], Any], ...] = (
    lambda: "plain",
    lambda: 3,
    lambda: 2.5,
    lambda: True,
    lambda: None,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: -0.0,
    lambda: 10**30,
    lambda: -(10**5000),
    lambda: b"\xff\x00bytes",
    lambda: "\ud800 alone",
    lambda: "\x00\x1f\x7f\u2028",
    lambda: "\U0001f4a1" * 600,
    lambda: "x" * 100_000,
    lambda: Text("text"),
    lambda: {"a": {"b": [1, float("nan")]}},
    lambda: {"\ud800": "\udfff", 5: 6},
    lambda: {(1, 2): 3},
    lambda: {None: b""},
    lambda: {1, 2},
    lambda: (1, (2,)),
    lambda: _DEEP,
    lambda: _DEEPER,
    _ring,
    Hostile,
    lambda: [Hostile()],
    lambda: {"hostile": Hostile(), "nan": float("nan")},
    _counted,
    lambda: Color.RED,
    lambda: Basket([Hostile()]),
    lambda: Basket(["\ud800", float("inf")]),
    lambda: datetime(2026, 3, 14, tzinfo=UTC),
    lambda: uuid.UUID(int=7),
    lambda: decimal.Decimal("NaN"),
    lambda: ValueError("as a value"),
    object,
)
_KEYS: tuple[Any, ...] = (
    *("basket", "user_id", "http_status", "http_url", "a b", "a-b", "a.b", "", "ä", "\x00", "\ud800", "_" * 600),
    *(5, None, b"key", 2.5, True, ("a", 1)),
)
_NAMES: tuple[Any, ...] = (
    *("price", "redis", "a b", "x" * 300, "", "\ud800", "\x00\n", "<script>", "ü@:/%&#=+\\-._", "\U0001f4a1", "a;b,c"),
    *(Text("name"), 5, None, b"name"),
)
_CLASSES: tuple[type[BaseException], ...] = (ValueError, KeyError, OSError, RuntimeError, TypeError, Mute)


def odd_value(chance: Random) -> Any:
    """Any value, plain ones most often."""
    return _VALUES[chance.randrange(4)]() if chance.random() < 0.5 else chance.choice(_VALUES)()


def odd_key(chance: Random) -> Any:
    """A key of an annotation or of metadata."""
    return chance.choice(_KEYS[:2]) if chance.random() < 0.5 else chance.choice(_KEYS)


def odd_name(chance: Random) -> Any:
    """A name of a subsegment or of a service called."""
    return chance.choice(_NAMES[:2]) if chance.random() < 0.6 else chance.choice(_NAMES)


def odd_error(chance: Random) -> BaseException:
    """An exception, some with a cause, some chained into a ring, some in a group."""
    error: BaseException = chance.choice(_CLASSES)(chance.choice(["broken", "\ud800", "x" * 5000, 7, b"\xff"]))
    kind = chance.randrange(12)
    if kind < 2:
        error.__cause__ = chance.choice(_CLASSES)("before")
    elif kind == 2:
        error.__cause__, error.__context__ = None, KeyError("beside")
    elif kind == 3:
        before = ValueError("before")
        error.__cause__, before.__cause__ = before, error
    elif kind == 4:
        error = ExceptionGroup("several", [ValueError("one"), Mute("two")])
    elif kind == 5:
        error = chance.choice([SystemExit(3), KeyboardInterrupt(), Exit("exit"), GeneratorExit(), StopIteration(4)])
    return error
