"""Code of an application's own as subsegments: blocks, and functions of all kinds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from functools import partial, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, TypeVar, cast

from tracing.entities import NOWHERE, Subsegment, activate, current, deactivate
from tracing.threads import run_in

Function = Callable[..., Any]
_Function = TypeVar("_Function", bound=Function)


class subsegment:
    """Times a block or a function as a subsegment of the current one: `with subsegment("price") as part:`.

    Where nothing is recorded the block gets a subsegment that goes nowhere, so that its code need not ask.
    """

    def __init__(self, name: str, namespace: str | None = None) -> None:
        self._name = name
        self._namespace = namespace

    def __call__(self, function: _Function) -> _Function:
        """As a decorator: times each call, a coroutine's to its last await, a generator's to its end."""
        return cast("_Function", _timed(function, self._name, self._namespace))

    def __enter__(self) -> Subsegment:
        parent = current()
        self._entity = (parent or NOWHERE).child(self._name, self._namespace)
        self._activation = activate(self._entity) if parent is not None else None
        return self._entity

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A generator's block may end when another request is current, which is then left alone."""
        self._entity.close(error)
        entity = current()
        if self._activation is not None and entity is not None and entity.segment is self._entity.segment:
            deactivate(self._activation)


def _timed(function: Function, name: str, namespace: str | None) -> Function:
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
