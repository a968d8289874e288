"""The current segment or subsegment in gevent's greenlets: each has a context of its own, which begins empty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
from gevent.pool import Group
from gevent.threadpool import ThreadPool

from tracing.threads import carry

_Owner = Any  # gevent itself, or a class of its pools


class CarryingGreenlet(gevent.Greenlet[..., Any]):
    """A greenlet that runs in what was current where it was made."""

    def __init__(self, run: Callable[..., Any] | None = None, *arguments: Any, **options: Any) -> None:
        carried = () if run is None else (carry(run),)
        super().__init__(*carried, *arguments, **options)


def _spawn_native(pool: ThreadPool, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    return _SPAWN_NATIVE(pool, carry(function), *arguments, **options)


_SPAWN_NATIVE: Callable[..., Any] = ThreadPool.spawn
_HOOKS: tuple[tuple[_Owner, str, Any], ...] = (
    (gevent, "spawn", CarryingGreenlet.spawn),
    (gevent, "spawn_later", CarryingGreenlet.spawn_later),
    (Group, "greenlet_class", CarryingGreenlet),
    (ThreadPool, "spawn", _spawn_native),
)
_ORIGINALS = tuple((owner, name, getattr(owner, name)) for owner, name, _hook in _HOOKS)


def instrument() -> None:
    """Makes what `gevent.spawn`, `gevent.spawn_later` and gevent's pools run see what was current where it was spawned.

    A module that has imported `spawn` from gevent before keeps the old one; `carry` helps there, as it does where
    `Greenlet` is called or subclassed directly: its compiled class cannot be changed.
    """
    for owner, name, hook in _HOOKS:
        setattr(owner, name, hook)


def uninstrument() -> None:
    """Undoes `instrument`."""
    for owner, name, original in _ORIGINALS:
        setattr(owner, name, original)
