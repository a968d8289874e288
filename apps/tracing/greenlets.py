"""The current segment or subsegment in gevent's greenlets: each has a context of its own, which begins empty."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import gevent
from gevent.pool import Group, GroupMappingMixin
from gevent.threadpool import ThreadPool

from tracing.threads import carry


class CarryingGreenlet(gevent.Greenlet):  # type: ignore[type-arg] # generic in its stubs only
    """A greenlet that runs in what was current where it was made."""

    def __init__(self, run: Callable[..., Any] | None = None, *arguments: Any, **options: Any) -> None:
        carried = () if run is None else (carry(run),)
        super().__init__(*carried, *arguments, **options)


def instrument() -> None:
    """Makes what `gevent.spawn`, `gevent.spawn_later` and gevent's pools run see what was current where it was spawned.

    A module that has imported `spawn` from gevent before keeps the old one; `carry` helps there, as it does where
    `Greenlet` is called or subclassed directly: its compiled class cannot be changed.
    """
    for owner, name, hook, _original in _HOOKS:
        setattr(owner, name, hook)


def uninstrument() -> None:
    """Undoes `instrument`."""
    for owner, name, _hook, original in _HOOKS:
        setattr(owner, name, original)


def _carrying(original: Callable[..., Any]) -> Callable[..., Any]:
    """A pool's method that takes a function to run, told to run it in what is current."""

    @wraps(original)
    def method(pool: Any, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return original(pool, carry(function), *arguments, **options)

    return method


def _hooks() -> list[tuple[Any, str, Any, Any]]:
    hooks: list[tuple[Any, str, Any, Any]] = [
        (gevent, name, getattr(CarryingGreenlet, name), getattr(gevent, name)) for name in ("spawn", "spawn_later")
    ]
    methods = [(GroupMappingMixin, name) for name in ("apply_async", "imap", "imap_unordered", "map", "map_async")]
    for owner, name in [*methods, (Group, "spawn"), (ThreadPool, "spawn")]:
        original = getattr(owner, name)
        hooks.append((owner, name, _carrying(original), original))
    return hooks


_HOOKS = _hooks()
