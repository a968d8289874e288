"""When traces are counted, and when a count is done, while they arrive."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trace_counting import Count, TraceCounter, count_when_settled
from ansible_collections.deepobs.eks.plugins.module_utils.trace_tallies import Tally, tally
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from hypothesis import given
from hypothesis import strategies as st


class Arriving:
    """An X-Ray that has so many traces at the first, second... look, and the last number from then on.

    Some of them may be partial until the last look.
    """

    def __init__(self, *numbers: int, partial: bool = False, most: int | None = None) -> None:
        self.numbers = list(numbers)
        self.partial = partial
        self.most = most
        self.now = 0.0
        self.looks = 0
        self.counts = 0

    @property
    def there(self) -> int:
        return self.numbers[min(self.looks, len(self.numbers)) - 1] if self.looks else self.numbers[0]

    def graph(self) -> dict[str, list[dict[str, Any]]]:
        self.looks += 1
        edges = [{"source": "client", "target": "shop", "requests": self.there}]
        return {"services": [{"name": "shop"}] if self.there else [], "edges": edges if self.there else []}

    def tally(self) -> Tally:
        self.counts += 1
        partial = self.partial and self.looks < len(self.numbers)
        summaries = [{"Id": f"1-697dcd08-{number:024x}", "IsPartial": partial} for number in range(self.there)]
        return tally(summaries, most=self.most)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def count(self, expected: int | None = None, timeout_seconds: float = 100.0) -> Count:
        counter = TraceCounter(self.graph, self.tally, expected)
        return count_when_settled(counter, timeout_seconds, 1.0, Stopwatch(lambda: self.now, self.sleep))


@pytest.mark.parametrize(
    ("numbers", "expected", "count", "looks", "counts"),
    [
        # Stands still at the second look, and still after the reading.
        ((5, 5), None, 5, 3, 1),
        ((1, 3, 9, 9), None, 9, 5, 1),
        # More came during the reading: the third look tells, the fifth confirms.
        ((5, 5, 6, 6), None, 6, 5, 2),
        # As many as expected: no second look is needed.
        ((7,), 7, 7, 1, 1),
        ((1, 7), 7, 7, 2, 1),
        ((9,), 7, 9, 1, 1),
        ((0,), 0, 0, 1, 1),
    ],
)
def test_traces_are_counted_when_no_more_arrive(
    numbers: tuple[int, ...], expected: int | None, count: int, looks: int, counts: int
) -> None:
    arriving = Arriving(*numbers)
    found = arriving.count(expected)
    assert (found.tally.count, found.settled) == (count, True)
    assert (arriving.looks, arriving.counts) == (looks, counts)


def test_partial_traces_are_waited_for() -> None:
    arriving = Arriving(5, 5, 6, 6, partial=True)
    found = arriving.count()
    assert (found.tally.count, found.tally.partial, found.settled) == (6, 0, True)


@pytest.mark.parametrize(("numbers", "expected"), [((0,), None), ((5, 5), 6), ((0,), 1)])
def test_wait_that_runs_out_counts_once_at_its_end(numbers: tuple[int, ...], expected: int | None) -> None:
    arriving = Arriving(*numbers)
    found = arriving.count(expected)
    assert (found.tally.count, found.settled, arriving.counts) == (numbers[-1], False, 1)
    assert arriving.now == 100


def test_without_a_time_to_wait_it_is_counted_at_once() -> None:
    arriving = Arriving(5)
    assert (arriving.count(timeout_seconds=0).tally.count, arriving.now) == (5, 0)


def test_a_truncated_count_is_not_waited_for() -> None:
    arriving = Arriving(9, 9, most=3, partial=True)
    assert arriving.count().tally.truncated
    assert arriving.counts == 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8).map(sorted))
def test_a_settled_count_is_that_of_the_last_look(numbers: list[int]) -> None:
    arriving = Arriving(*numbers, numbers[-1], numbers[-1])
    found = arriving.count()
    assert found.settled
    assert found.tally.count == arriving.there
    assert found.graph is not None
    assert found.graph["edges"][0]["requests"] == arriving.there
