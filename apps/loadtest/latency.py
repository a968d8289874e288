"""Latencies as HdrHistograms: exact to 3 significant digits however many there are, and mergeable."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hdrh.histogram import HdrHistogram

_LOWEST_US = 1
HIGHEST_US = 3_600_000_000
_SIGNIFICANT_DIGITS = 3
_PERCENTILES = {"p50": 50.0, "p75": 75.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}


def rank_at(percent: float, count: int) -> int:
    """The nearest rank of a percentile, from 1: the first value that at least `percent` of all do not exceed."""
    return max(1, math.ceil(count * percent / 100 - 1e-9))


def exact_percentile(ordered: Sequence[int], percent: float) -> int:
    """The percentile of values in ascending order, by nearest rank."""
    return ordered[rank_at(percent, len(ordered)) - 1]


class _NearestRankHistogram(HdrHistogram):
    """HdrHistogram's Python port rounds the rank half up; its Java original has taken the nearest rank since 2.1.10."""

    def get_target_count_at_percentile(self, percentile: float) -> int:
        return rank_at(min(percentile, 100.0), self.total_count)


class LatencyHistogram:
    """Latencies of one kind of request, recorded in microseconds and told in milliseconds.

    Minimum, maximum and mean are exact; percentiles are within 0.1 % of the value at the nearest rank.
    """

    def __init__(self) -> None:
        self._values = _NearestRankHistogram(_LOWEST_US, HIGHEST_US, _SIGNIFICANT_DIGITS)
        self._sum_us = 0
        self._least_us = HIGHEST_US
        self._most_us = 0

    @property
    def count(self) -> int:
        return int(self._values.get_total_count())

    def record(self, latency_us: int) -> None:
        """Counts one latency; what is outside 1 microsecond to 1 hour counts as the nearer end."""
        latency_us = min(max(latency_us, _LOWEST_US), HIGHEST_US)
        self._values.record_value(latency_us)
        self._sum_us += latency_us
        self._least_us = min(self._least_us, latency_us)
        self._most_us = max(self._most_us, latency_us)

    def add(self, other: LatencyHistogram) -> None:
        """Counts everything the other histogram holds."""
        if not other.count:
            return
        self._values.add(other._values)
        self._sum_us += other._sum_us
        self._least_us = min(self._least_us, other._least_us)
        self._most_us = max(self._most_us, other._most_us)

    def summary_ms(self) -> dict[str, float | None]:
        """min, mean, p50, p75, p90, p95, p99, p999 and max in milliseconds; all None when nothing was recorded."""
        if not self.count:
            return dict.fromkeys(("min", "mean", *_PERCENTILES, "max"))
        by_percent = self._values.get_percentile_to_value_dict(list(_PERCENTILES.values()))
        percentiles = {name: min(by_percent[percent], self._most_us) for name, percent in _PERCENTILES.items()}
        mean_us = self._sum_us / self.count
        in_us = {"min": self._least_us, "mean": mean_us, **percentiles, "max": self._most_us}
        return {name: round(value / 1000, 3) for name, value in in_us.items()}
