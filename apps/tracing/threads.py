"""The current segment or subsegment in threads and thread pools."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from threading import Thread
from typing import Any, ParamSpec, TypeVar

from tracing.entities import Entity, activate, current, deactivate

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_START: Callable[..., None] = Thread.start
_SUBMIT: Callable[..., Future[Any]] = ThreadPoolExecutor.submit


def carry(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """The function, run in what is current now wherever it is called: `pool.apply_async(carry(work))`.

    Only what is traced is carried, no other context variable.
    """
    entity = current()
    if entity is None:
        return function

    @wraps(function)
    def carried(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
        return run_in(entity, function, *arguments, **options)

    return carried


def run_in(
    entity: Entity | None,
    function: Callable[_Parameters, _Result],
    *arguments: _Parameters.args,
    **options: _Parameters.kwargs,
) -> _Result:
    """Calls the function with `entity` as the current one, or with none."""
    token = activate(entity)
    try:
        return function(*arguments, **options)
    finally:
        deactivate(token)


def start_outside(target: Callable[[], None], name: str) -> None:
    """Starts a thread of tracing's own, which belongs to no request: what it does must not be traced in turn."""
    run_in(None, Thread(target=target, name=name, daemon=True).start)


def instrument() -> None:
    """Makes each Thread run in what was current where it was started, and each job of a ThreadPoolExecutor likewise."""
    for owner, name, hook, _original in _hooks():
        setattr(owner, name, hook)


def uninstrument() -> None:
    """Undoes `instrument`, as long as nobody else has replaced these methods since."""
    for owner, name, hook, original in _hooks():
        if getattr(owner, name) is hook:
            setattr(owner, name, original)


def _hooks() -> tuple[tuple[type, str, Callable[..., Any], Callable[..., Any]], ...]:
    return (Thread, "start", _start, _START), (ThreadPoolExecutor, "submit", _submit, _SUBMIT)


def _start(thread: Thread) -> None:
    entity = current()
    if entity is not None:
        _run_in_when_started(thread, entity)
    _START(thread)


def _run_in_when_started(thread: Thread, entity: Entity) -> None:
    run = thread.run

    def carried() -> None:
        del thread.run  # it would keep the thread and the entity alive by a cycle
        run_in(entity, run)

    thread.run = carried  # type: ignore[method-assign]


def _submit(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
    """A thread that the pool starts for this job outlives it, and so starts outside of the request."""
    entity = current()
    if entity is None:
        return _SUBMIT(pool, function, *arguments, **options)
    return run_in(None, _SUBMIT, pool, run_in, entity, function, *arguments, **options)
