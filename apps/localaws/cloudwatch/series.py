"""The data of metrics: per metric, unit and second a statistic set, as long and as finely as CloudWatch keeps them."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from localaws.cloudwatch.statistics import StatisticSet
from localaws.object_document import Reader, Writer

_MINUTE: Final = 60
_DAY: Final = 24 * 3600
RETENTION: Final = ((3 * 3600, 1), (15 * _DAY, 60), (63 * _DAY, 300), (455 * _DAY, 3600))
"""Up to which age in seconds a resolution in seconds is kept (Amazon CloudWatch API reference, GetMetricData)."""
LISTED_SECONDS: Final = 14 * _DAY
"""ListMetrics and SEARCH leave out what had no data for so long (API reference, ListMetrics)."""
_COMPACT_ABOVE: Final = 2 * RETENTION[0][0]

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, sorted: their order does not tell metrics apart."""


class Metric(NamedTuple):
    """What tells one metric from another."""

    namespace: str
    name: str
    dimensions: Dimensions


def resolution_kept(age_seconds: float) -> int | None:
    """The finest resolution, in seconds, in which data of an age are kept; None where they are gone."""
    return next((resolution for age, resolution in RETENTION if age_seconds <= age), None)


def is_kept(second: int, period_seconds: int, now: float) -> bool:
    """Whether the data of a second can still be had in a period."""
    resolution = resolution_kept(now - second)
    return resolution is not None and period_seconds % resolution == 0


def span(start: float, end: float, period_seconds: int, now: float) -> range:
    """The first seconds of the periods from start to end, which is excluded.

    The start is rounded down: to the minute, or the period where it is shorter; to 5 minutes when it is over 15 days
    ago, and to the hour when it is over 63 (Amazon CloudWatch API reference, GetMetricData, StartTime).
    """
    resolution = resolution_kept(now - start) or RETENTION[-1][1]
    step = resolution if resolution > _MINUTE else min(period_seconds, _MINUTE)
    return range(math.floor(start / step) * step, math.ceil(end), period_seconds)


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
        """Merges what is older than its resolution is kept."""
        points: dict[int, StatisticSet] = {}
        for second, values in self.points.items():
            if resolution := resolution_kept(now - second):
                points.setdefault(second - second % resolution, StatisticSet()).add(values)
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

    def save(self) -> Any:
        """All metrics with their data as JSON."""
        with self._lock:
            return Writer({}).write(self._series)

    def load(self, document: Any) -> None:
        """Takes in what was saved. Raises DocumentError."""
        self._series = Reader({}).read(document)

    def periods(self, metric: Metric, unit: str | None, span: range, now: float) -> dict[int, StatisticSet]:
        """By the first second of each period of the span its values, ascending; every unit if none is given."""
        found: dict[int, StatisticSet] = {}
        with self._lock:
            for kept_unit, series in self._series.get(metric, {}).items():
                if unit in (None, kept_unit):
                    _gather(series.points.items(), span, found, now)
        return dict(sorted(found.items()))

    def units(self, metric: Metric) -> list[str]:
        """The units that a metric's data came in, sorted."""
        with self._lock:
            return sorted(self._series.get(metric, ()))

    def metrics(self, since: float = 0.0) -> Iterator[Metric]:
        """Every metric that had values since then, sorted."""
        with self._lock:
            known = {metric: max(series.updated for series in units.values()) for metric, units in self._series.items()}
        yield from sorted(metric for metric, updated in known.items() if updated >= since)


def _gather(
    points: Iterable[tuple[int, StatisticSet]], span: range, found: dict[int, StatisticSet], now: float
) -> None:
    for second, values in points:
        if span.start <= second < span.stop and is_kept(second, span.step, now):
            period = second - (second - span.start) % span.step
            found.setdefault(period, StatisticSet()).add(values)


def metric_of(namespace: str, described: dict[str, Any]) -> Metric:
    """The metric that a request's MetricName and Dimensions name."""
    dimensions = ((entry["Name"], entry["Value"]) for entry in described.get("Dimensions", ()))
    return Metric(namespace, described["MetricName"], tuple(sorted(dimensions)))
