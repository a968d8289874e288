"""`@subsegment` on functions of all kinds."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from support.traced import parts_of, traced_request
from tracing import current, subsegment

_PAUSE_SECONDS = 0.02


@subsegment("plain")
def _plain(value: int) -> int:
    """What it says."""
    return value * 2


@subsegment("waiting")
async def _waiting() -> str:
    await asyncio.sleep(_PAUSE_SECONDS)
    return "waited"


@subsegment("generating")
def _generating() -> Generator[str, str, int]:
    with subsegment("inner"):
        heard = yield "one"
    yield heard
    return 3


@subsegment("streaming")
async def _streaming() -> AsyncIterator[str]:
    with subsegment("inner"):
        await asyncio.sleep(_PAUSE_SECONDS)
    yield "one"
    yield "two"


def test_function_keeps_its_kind_its_name_and_its_result() -> None:
    with traced_request() as segment:
        assert (_plain(1), _plain(2)) == (2, 4)
    assert parts_of(segment.document) == ["plain", "plain"]
    assert (_plain.__name__, _plain.__doc__) == ("_plain", "What it says.")
    kinds = inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction
    assert [kind(function) for kind in kinds for function in (_waiting, _generating, _streaming)] == [
        *(True, False, False),
        *(False, True, False),
        *(False, False, True),
    ]


def test_coroutine_is_timed_to_its_last_await_beside_others() -> None:
    async def both() -> list[str]:
        return list(await asyncio.gather(_waiting(), asyncio.create_task(_waiting())))

    with traced_request() as segment:
        assert asyncio.run(both()) == ["waited", "waited"]
    parts = segment.document["subsegments"]
    assert parts_of(segment.document) == ["waiting", "waiting"]
    assert all(part["end_time"] - part["start_time"] >= _PAUSE_SECONDS * 0.9 for part in parts)


def test_generator_is_current_in_its_turns_only() -> None:
    with traced_request() as segment:
        generator = _generating()
        assert next(generator) == "one"
        assert current() is segment
        with subsegment("between"):
            pass
        assert generator.send("heard") == "heard"
        with pytest.raises(StopIteration) as stopped:
            next(generator)
        assert (stopped.value.value, current()) == (3, segment)
    assert parts_of(segment.document) == [("generating", ["inner"]), "between"]
    assert all("end_time" in part for part in segment.document["subsegments"])


def test_generator_that_is_left_ends_and_has_not_failed() -> None:
    with traced_request() as segment:
        generator = _generating()
        next(generator)
        generator.close()
    [part] = segment.document["subsegments"]
    assert ("end_time" in part, "fault" in part) == (True, False)


def test_exception_thrown_into_a_generator_is_its_own_affair() -> None:
    @subsegment("coping")
    def coping() -> Iterator[str]:
        try:
            yield "one"
        except KeyError:
            yield "coped"
        raise ValueError("at last")

    with traced_request() as segment:
        generator = coping()
        next(generator)
        assert generator.throw(KeyError()) == "coped"  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="at last"):
            next(generator)
    [part] = segment.document["subsegments"]
    assert (part["fault"], part["cause"]["exceptions"][0]["type"]) == (True, "ValueError")


def test_asynchronous_generator_is_timed_to_its_end() -> None:
    async def read() -> list[str]:
        seen = []
        async for value in _streaming():
            seen.append(value)
            with subsegment("between"):
                await asyncio.sleep(0)
        return seen

    with traced_request() as segment:
        assert asyncio.run(read()) == ["one", "two"]
    assert parts_of(segment.document) == [("streaming", ["inner"]), "between", "between"]
    [part, *_unused] = segment.document["subsegments"]
    assert part["end_time"] - part["start_time"] >= _PAUSE_SECONDS * 0.9


def test_asynchronous_generator_hears_and_fails_as_written() -> None:
    @subsegment("talking")
    async def talking() -> AsyncIterator[str]:
        heard = yield "one"
        try:
            yield str(heard)
        except KeyError:
            yield "coped"
        raise ValueError("at last")

    async def talk() -> list[str]:
        generator = talking()
        said = [await anext(generator), await generator.asend("heard"), await generator.athrow(KeyError())]  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="at last"):
            await anext(generator)
        left = talking()
        await anext(left)
        await left.aclose()  # type: ignore[attr-defined]
        return said

    with traced_request() as segment:
        assert asyncio.run(talk()) == ["one", "heard", "coped"]
    assert [part.get("fault") for part in segment.document["subsegments"]] == [True, None]
    assert all("end_time" in part for part in segment.document["subsegments"])


def test_generator_given_up_in_a_later_request_leaves_that_one_alone() -> None:
    def left() -> Iterator[None]:
        with subsegment("left"):
            yield

    with traced_request():
        generator = left()
        next(generator)
    with traced_request() as later:
        del generator
        gc.collect()
        assert current() is later
    assert parts_of(later.document) == []


def test_without_a_context_they_only_do_their_work() -> None:
    async def read() -> list[str]:
        return [await _waiting(), *[value async for value in _streaming()]]

    assert (_plain(1), asyncio.run(read())) == (2, ["waited", "one", "two"])
    assert list(_generating()) == ["one", None]
    assert current() is None
