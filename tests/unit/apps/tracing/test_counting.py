"""The counter that many threads raise."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from tracing.counting import Counter


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_value_is_what_was_added_however_often_it_is_looked_at() -> None:
    counter = Counter()
    assert counter.value == 0
    counter.add()
    assert [counter.value, counter.value] == [1, 1]
    counter.add()
    assert counter.value == 2


def test_threads_that_add_and_look_lose_nothing(hasty_threads: None) -> None:
    counter = Counter()

    def work() -> None:
        for _unused in range(5000):
            counter.add()
            assert counter.value > 0

    threads = [threading.Thread(target=work) for _unused in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value == 20_000
