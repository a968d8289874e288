"""Counts what every request came to: per route, per second, per kind of error, and the slowest of all."""

from __future__ import annotations

import heapq
from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from loadtest.latency import HIGHEST_US, LatencyHistogram, exact_percentile

SLOWEST_KEPT = 20


class Outcome(NamedTuple):
    """One request that was made. Plain values only: worker processes send it to the main one as it is."""

    route: str
    sent_at: float
    """Seconds since the epoch."""
    latency_us: int
    bytes_received: int
    trace_id: str | None
    error_kind: str | None = None
    error_sample: str = ""


@dataclass
class RouteTally:
    """What came of the requests to one route."""

    latencies: LatencyHistogram = field(default_factory=LatencyHistogram)
    errors: int = 0

    @property
    def requests(self) -> int:
        return self.latencies.count


@dataclass
class SecondTally:
    """What ended within one second; latencies are kept as they are, 4 bytes each."""

    users: int = 0
    errors: int = 0
    latencies_us: array[int] = field(default_factory=lambda: array("I"))

    @property
    def requests(self) -> int:
        return len(self.latencies_us)


@dataclass
class ErrorTally:
    """How often one kind of error came on one route, with the first one as the sample."""

    count: int = 0
    sample: str = ""
    trace_id: str | None = None


class Recorder:
    """Everything a load test has seen so far; each outcome is counted exactly once in each of its views."""

    def __init__(self, started_at: float) -> None:
        self.started_at = started_at
        self.ended_at = started_at
        """When the last answer was there, in seconds since the epoch as `started_at`."""
        self.bytes_received = 0
        self.routes: dict[str, RouteTally] = defaultdict(RouteTally)
        self.seconds: dict[int, SecondTally] = defaultdict(SecondTally)
        self.errors: dict[tuple[str, str], ErrorTally] = defaultdict(ErrorTally)
        self._slowest: list[tuple[int, int, Outcome]] = []
        self._recorded = 0

    @property
    def requests(self) -> int:
        return self._recorded

    @property
    def error_count(self) -> int:
        return sum(tally.count for tally in self.errors.values())

    def record(self, outcome: Outcome) -> None:
        """Counts one outcome in the second in which it ended."""
        self._recorded += 1
        self.bytes_received += outcome.bytes_received
        self.routes[outcome.route].latencies.record(outcome.latency_us)
        ended_at = outcome.sent_at + outcome.latency_us / 1e6
        self.ended_at = max(self.ended_at, ended_at)
        second = self.seconds[self._second_of(ended_at)]
        second.latencies_us.append(min(max(outcome.latency_us, 0), HIGHEST_US))
        if outcome.error_kind is not None:
            self._record_error(outcome, outcome.error_kind, second)
        self._keep_if_slow(outcome)

    def note_users(self, at: float, users: int) -> None:
        """Remembers how many users ran at a moment."""
        self.seconds[self._second_of(at)].users = users

    def latencies(self) -> LatencyHistogram:
        """All routes' latencies in one histogram."""
        merged = LatencyHistogram()
        for tally in self.routes.values():
            merged.add(tally.latencies)
        return merged

    def slowest(self) -> list[Outcome]:
        """The slowest requests, the slowest first."""
        return [outcome for _unused, _unused, outcome in sorted(self._slowest, reverse=True)]

    def _second_of(self, at: float) -> int:
        return max(0, int(at - self.started_at))

    def _record_error(self, outcome: Outcome, kind: str, second: SecondTally) -> None:
        second.errors += 1
        self.routes[outcome.route].errors += 1
        tally = self.errors[outcome.route, kind]
        tally.count += 1
        if tally.count == 1:
            tally.sample = outcome.error_sample
        tally.trace_id = tally.trace_id or outcome.trace_id

    def _keep_if_slow(self, outcome: Outcome) -> None:
        entry = (outcome.latency_us, -self._recorded, outcome)
        if len(self._slowest) < SLOWEST_KEPT:
            heapq.heappush(self._slowest, entry)
        elif entry > self._slowest[0]:
            heapq.heapreplace(self._slowest, entry)


def percentile_ms(latencies_us: Iterable[int], percent: float) -> float | None:
    """The exact percentile of some latencies in milliseconds; None when there are none."""
    ordered = sorted(latencies_us)
    return round(exact_percentile(ordered, percent) / 1000, 3) if ordered else None
