# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Counts traces once no more of them arrive.

Whether some still do is told by the service graph, which is one answer for all traces of a window, where summaries
come by the hundred: the graph is looked at again and again, the summaries are read when it stands still. It is looked
at once more afterwards, for what arrived during the reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.service_graph import CLIENT
from ansible_collections.deepobs.eks.plugins.module_utils.trace_tallies import Tally
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until

Graph = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Count:
    """The traces of a range, the graph of that time if it was looked at, and whether no more are to come."""

    tally: Tally
    graph: Graph | None
    settled: bool


def requests_from_clients(graph: Graph) -> int:
    """How many requests came from outside: about as many as there are traces."""
    return sum(edge["requests"] for edge in graph["edges"] if edge["source"] == CLIENT)


def is_enough(tally: Tally, expected_count: int | None) -> bool:
    """Whether a count is whole: none of its traces is still being put together, and as many as expected are there."""
    return tally.truncated or (not tally.partial and tally.count >= (expected_count or 0))


class TraceCounter:
    """Looks at the graph, and counts when that pays."""

    def __init__(self, read_graph: Callable[[], Graph], count: Callable[[], Tally], expected_count: int | None) -> None:
        self._read_graph = read_graph
        self._count = count
        self._expected_count = expected_count
        self._graph: Graph | None = None
        self._counted_at: Graph | None = None
        self._tally: Tally | None = None

    def look(self) -> bool:
        """Looks once; whether the count is settled."""
        before, now = self._graph, self._read_graph()
        self._graph = now
        stands_still = now == before and bool(now["services"])
        if now == self._counted_at or not (stands_still or self._has_expected(now)):
            return False
        self._tally, self._counted_at = self._count(), now
        if not is_enough(self._tally, self._expected_count):
            return False
        if self._expected_count is not None or self._tally.truncated:
            return True
        self._graph = self._read_graph()
        return self._graph == now

    def result(self, settled: bool) -> Count:
        """The last count; where there is none yet, or more traces came since, it is made now."""
        if self._tally is None or self._counted_at != self._graph:
            self._tally = self._count()
        has_expected = self._expected_count is not None and is_enough(self._tally, self._expected_count)
        return Count(self._tally, self._graph, settled or has_expected)

    def _has_expected(self, graph: Graph) -> bool:
        return self._expected_count is not None and requests_from_clients(graph) >= self._expected_count


def count_when_settled(
    counter: TraceCounter, timeout_seconds: float, poll_seconds: float, stopwatch: Stopwatch | None = None
) -> Count:
    """Counts as soon as no more traces arrive, at the latest when the time is over."""
    _last, settled = wait_until(
        counter.look,
        lambda _previous, is_settled: is_settled,
        timeout_seconds,
        poll_seconds,
        *(stopwatch or Stopwatch()),
    )
    return counter.result(settled)
