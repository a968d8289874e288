"""The data of metrics: per metric, unit and second a statistic set, as CloudWatch keeps them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

HIGH_RESOLUTION_SECONDS: Final = 3 * 3600
"""Amazon CloudWatch user guide, "Metrics retention": periods under a minute are kept for 3 hours."""
_MINUTE: Final = 60
_COMPACT_ABOVE: Final = 2 * HIGH_RESOLUTION_SECONDS
STATISTICS: Final = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, sorted: their order does not tell metrics apart."""


class Metric(NamedTuple):
    """What tells one metric from another."""

    namespace: str
    name: str
    dimensions: Dimensions


@dataclass(slots=True)
class StatisticSet:
    """Count, sum and extremes of values."""

    count: float = 0.0
    total: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf

    def add(self, other: StatisticSet) -> None:
        """Takes the values of another set in."""
        self.count += other.count
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    def value(self, statistic: str) -> float:
        """One of STATISTICS."""
        values = {
            "Average": self.total / self.count,
            "Sum": self.total,
            "Minimum": self.minimum,
            "Maximum": self.maximum,
            "SampleCount": self.count,
        }
        return values[statistic]


@dataclass(slots=True)
class Series:
    """One metric in one unit: statistic sets by the second at which their resolution's step begins."""

    points: dict[int, StatisticSet] = field(default_factory=dict)
    updated: float = 0.0

    def put(self, second: int, values: StatisticSet, now: float) -> None:
        """Adds values to a step."""
        self.points.setdefault(second, StatisticSet()).add(values)
        self.updated = now
        if len(self.points) > _COMPACT_ABOVE:
            self._compact(now)

    def _compact(self, now: float) -> None:
        """Merges what is older than high resolution is kept into minutes."""
        points: dict[int, StatisticSet] = {}
        for second, values in self.points.items():
            step = second if second > now - HIGH_RESOLUTION_SECONDS else second - second % _MINUTE
            points.setdefault(step, StatisticSet()).add(values)
        self.points = points


class MetricStore:
    """The metrics of one region."""

    def __init__(self) -> None:
        self._series: dict[Metric, dict[str, Series]] = {}
        self._lock = threading.Lock()

    def put(self, metric: Metric, unit: str, second: int, values: StatisticSet, now: float) -> None:
        """Adds values to a metric, which begins with its first values."""
        with self._lock:
            self._series.setdefault(metric, {}).setdefault(unit, Series()).put(second, values, now)

    def periods(self, metric: Metric, unit: str | None, span: range) -> list[tuple[int, StatisticSet]]:
        """Per period of the span that has values, its first second and its values; every unit if none is given."""
        found: dict[int, StatisticSet] = {}
        with self._lock:
            for kept_unit, series in self._series.get(metric, {}).items():
                if unit in (None, kept_unit):
                    _gather(series.points.items(), span, found)
        return sorted(found.items())

    def metrics(self) -> Iterator[tuple[Metric, float]]:
        """Every metric with the time of its last values, sorted."""
        with self._lock:
            known = {metric: max(series.updated for series in units.values()) for metric, units in self._series.items()}
        yield from sorted(known.items())


def _gather(points: Iterable[tuple[int, StatisticSet]], span: range, found: dict[int, StatisticSet]) -> None:
    for second, values in points:
        if span.start <= second < span.stop:
            period = second - (second - span.start) % span.step
            found.setdefault(period, StatisticSet()).add(values)


def metric_of(namespace: str, described: dict[str, Any]) -> Metric:
    """The metric that a request's MetricName and Dimensions name."""
    dimensions = ((entry["Name"], entry["Value"]) for entry in described.get("Dimensions", ()))
    return Metric(namespace, described["MetricName"], tuple(sorted(dimensions)))
