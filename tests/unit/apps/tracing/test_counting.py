"""The counter that many threads raise."""

from __future__ import annotations

import threading

from tracing.counting import Counter


def test_value_is_what_was_added_however_often_it_is_looked_at() -> None:
    counter = Counter()
    assert counter.value == 0
    counter.add()
    assert [counter.value, counter.value] == [1, 1]
    counter.add()
    assert counter.value == 2


def test_threads_that_add_and_look_lose_nothing(hurried: None) -> None:
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
