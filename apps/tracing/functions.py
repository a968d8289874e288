"""What `@subsegment("name")` makes of a function: plain ones, coroutines, and generators of both kinds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import partial, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any

from tracing.entities import Subsegment, activate, current, deactivate, subsegment
from tracing.threads import run_in

Function = Callable[..., Any]


def timed(function: Function, name: str, namespace: str | None) -> Function:
    """The function with a subsegment around each call: a coroutine's to its last await, a generator's to its end."""
    if iscoroutinefunction(function):
        return _coroutine(function, name, namespace)
    if isgeneratorfunction(function):
        return _generator(function, name, namespace)
    if isasyncgenfunction(function):
        return _async_generator(function, name, namespace)
    return _plain(function, name, namespace)


def _plain(function: Function, name: str, namespace: str | None) -> Function:
    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        with subsegment(name, namespace):
            return function(*arguments, **options)

    return call


def _coroutine(function: Function, name: str, namespace: str | None) -> Function:
    @wraps(function)
    async def call(*arguments: Any, **options: Any) -> Any:
        with subsegment(name, namespace):
            return await function(*arguments, **options)

    return call


def _generator(function: Function, name: str, namespace: str | None) -> Function:
    @wraps(function)
    def generate(*arguments: Any, **options: Any) -> Generator[Any, Any, Any]:
        generator, parent = function(*arguments, **options), current()
        if parent is None:
            return (yield from generator)
        return (yield from _turns(generator, parent.child(name, namespace)))

    return generate


def _turns(generator: Generator[Any, Any, Any], part: Subsegment) -> Generator[Any, Any, Any]:
    """Runs a generator with its subsegment as the current one; between two turns its consumer's is current again."""
    turn: Callable[[], Any] = partial(next, generator)
    try:
        while True:
            value = run_in(part, turn)
            try:
                turn = partial(generator.send, (yield value))
            except BaseException as thrown:  # noqa: BLE001 - the generator itself decides what comes of it
                turn = partial(generator.throw, thrown)
    except StopIteration as end:
        _close(part, None)
        return end.value
    except BaseException as error:
        _close(part, error)
        raise


def _async_generator(function: Function, name: str, namespace: str | None) -> Function:
    @wraps(function)
    async def generate(*arguments: Any, **options: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*arguments, **options)
        parent = current()
        part = None if parent is None else parent.child(name, namespace)
        turn: Callable[[], Awaitable[Any]] = generator.__anext__
        try:
            while True:
                value = await _turn(part, turn)
                try:
                    turn = partial(generator.asend, (yield value))
                except BaseException as thrown:  # noqa: BLE001 - the generator itself decides what comes of it
                    turn = partial(generator.athrow, thrown)
        except StopAsyncIteration:
            _close(part, None)
        except BaseException as error:
            _close(part, error)
            raise

    return generate


async def _turn(part: Subsegment | None, turn: Callable[[], Awaitable[Any]]) -> Any:
    if part is None:
        return await turn()
    token = activate(part)
    try:
        return await turn()
    finally:
        deactivate(token)


def _close(part: Subsegment | None, error: BaseException | None) -> None:
    """A generator that is closed before its end has not failed."""
    if part is not None:
        part.close(None if isinstance(error, GeneratorExit) else error)
