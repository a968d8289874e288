"""The table of ready answers: what it keeps, for how long, and what breaks a promise."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from backend.hotcache import HotCache, Line, Ready
from hypothesis import given
from hypothesis import strategies as st

KEY = b"response:popular"
LINE: Line = ("GET", "/api/search/popular", "")


def _ready(size: int = 10, seconds: float = 30) -> Ready:
    headers = [("Content-Type", "application/json"), ("X-Cache", "hit")]
    return Ready("200 OK", headers, b"x" * size, "/api/search/popular", time.monotonic() + seconds)


def _keep(hot: HotCache, line: Line = LINE, key: bytes = KEY, ready: Ready | None = None) -> None:
    promise = hot.promise(key)
    assert promise is not None
    hot.keep(promise, line, ready or _ready())


def _line(number: int) -> Line:
    return ("GET", "/api/search", f"q={number}")


@pytest.fixture
def hot() -> HotCache:
    made = HotCache(1_000_000)
    made.switch(on=True)
    return made


def test_answer_is_kept_for_its_line_alone(hot: HotCache) -> None:
    ready = _ready()
    _keep(hot, ready=ready)
    assert hot.get(LINE) is ready
    others = [("HEAD", *LINE[1:]), (LINE[0], LINE[1] + "/", LINE[2]), (*LINE[:2], "page=1")]
    assert [hot.get(other) for other in others] == [None] * 3


def test_one_invalidation_throws_out_every_line_of_the_key(hot: HotCache) -> None:
    lines = [_line(number) for number in range(3)]
    for line in lines:
        _keep(hot, line)
    _keep(hot, LINE, b"response:other")
    hot.invalidate([KEY, b"response:unknown"])
    assert [hot.get(line) for line in lines] == [None] * 3
    assert hot.get(LINE) is not None
    assert hot.size[0] == 1


def test_promise_is_broken_by_an_invalidation_of_its_key_alone(hot: HotCache) -> None:
    promises = {key: hot.promise(key) for key in (KEY, b"response:other")}
    hot.invalidate([KEY])
    for key, promise in promises.items():
        assert promise is not None
        hot.keep(promise, ("GET", key.decode(), ""), _ready())
    assert hot.get(("GET", KEY.decode(), "")) is None
    assert hot.get(("GET", "response:other", "")) is not None


@pytest.mark.parametrize("switches", [[False], [False, True], [True], []])
def test_clearing_and_switching_break_every_promise(hot: HotCache, switches: list[bool]) -> None:
    _keep(hot)
    promise = hot.promise(KEY)
    assert promise is not None
    for on in switches:
        hot.switch(on=on)
    if not switches:
        hot.clear()
    hot.keep(promise, _line(1), _ready())
    assert (hot.get(LINE), hot.get(_line(1)), hot.size) == (None, None, (0, 0))


def test_nothing_is_promised_while_it_is_off() -> None:
    assert HotCache(1_000_000).promise(KEY) is None


def test_answer_is_used_until_its_end_and_no_longer_than_a_minute(
    hot: HotCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    _keep(hot, _line(1), ready=_ready(seconds=5))
    _keep(hot, _line(2), ready=_ready(seconds=5000))
    now = time.monotonic()
    for later, found in ((4, [True, True]), (6, [False, True]), (61, [False, False])):
        with monkeypatch.context() as patched:
            patched.setattr("backend.hotcache.monotonic", lambda later=later: now + later)
            hot.expire()
            assert [hot.get(_line(number)) is not None for number in (1, 2)] == found


def test_what_is_not_used_goes_first_when_the_bytes_are_used_up() -> None:
    hot = HotCache(10_000)
    hot.switch(on=True)
    for number in range(3):
        _keep(hot, _line(number), ready=_ready(1500))
    used = hot.get(_line(0))
    assert used is not None
    used.used = True
    _keep(hot, _line(3), ready=_ready(1500))
    assert [hot.get(_line(number)) is not None for number in range(4)] == [True, False, True, True]
    assert hot.size[1] <= 10_000
    for number in (4, 5, 6):
        _keep(hot, _line(number), ready=_ready(1500))
    assert hot.get(_line(0)) is None


def test_entries_are_bounded_in_number() -> None:
    hot = HotCache(1_000_000, highest_entries=2)
    hot.switch(on=True)
    for number in range(5):
        _keep(hot, _line(number))
    assert hot.size[0] == 2


def test_what_is_too_large_or_asked_for_too_long_windedly_is_not_kept(hot: HotCache) -> None:
    _keep(hot, _line(1), ready=_ready(1_000_000))
    _keep(hot, ("GET", "/api/search", "q=" + "x" * 2000))
    assert hot.size == (0, 0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.integers(0, 5), st.integers(0, 5), st.integers(0, 4000)),
        st.tuples(st.just("use"), st.integers(0, 5)),
        st.tuples(st.just("invalidate"), st.lists(st.integers(0, 5), max_size=3)),
        st.tuples(st.sampled_from(["clear", "expire"])),
    )
)


@given(STEPS)
def test_bytes_and_keys_are_accounted_for_after_any_steps(steps: list[tuple[object, ...]]) -> None:
    hot = HotCache(12_000)
    hot.switch(on=True)
    for name, *values in steps:
        match name, values:
            case "keep", [int(number), int(key), int(size)]:
                _keep(hot, _line(number), b"%d" % key, _ready(size))
            case "invalidate", [list(keys)]:
                hot.invalidate([b"%d" % key for key in keys])
            case "clear", _:
                hot.clear()
            case "use", [int(number)]:
                if (used := hot.get(_line(number))) is not None:
                    used.used = True
            case _:
                hot.expire()
    assert hot.size[1] <= 12_000
    hot.invalidate([b"%d" % key for key in range(6)])
    assert hot.size == (0, 0)


def test_threads_keep_get_and_invalidate_at_once(hurried: None) -> None:
    hot = HotCache(20_000)
    hot.switch(on=True)

    def work(seed: int) -> None:
        chosen = random.Random(seed)
        for _unused in range(2000):
            number = chosen.randrange(20)
            if chosen.random() < 0.2:
                hot.invalidate([b"%d" % (number % 7)])
            elif (used := hot.get(_line(number))) is not None:
                used.used = True
            elif (promise := hot.promise(b"%d" % (number % 7))) is not None:
                hot.keep(promise, _line(number), _ready(chosen.randrange(3000)))

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [None] * 4
    assert hot.size[1] <= 20_000
    hot.invalidate([b"%d" % key for key in range(7)])
    assert hot.size == (0, 0)
