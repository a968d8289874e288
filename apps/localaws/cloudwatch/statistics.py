"""Statistics over the values of a period, as CloudWatch defines them.

Source: Amazon CloudWatch user guide, "CloudWatch statistics definitions".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

PLAIN: Final = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
_NUMBER = r"\d+(?:\.\d{1,10})?"
_ONE = re.compile(rf"(p|tm|wm|tc|ts)({_NUMBER})")
_RANGE = re.compile(rf"(TM|WM|TC|TS|PR)\(({_NUMBER})?(%)?:({_NUMBER})?(%)?\)")
_IQM: Final = "TM(25%:75%)"


@dataclass(slots=True)
class StatisticSet:
    """Count, sum and extremes of values, and how often each value came.

    `counts` is None where a statistic set hides its values.
    """

    count: float = 0.0
    total: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    counts: dict[float, float] | None = field(default_factory=dict)

    @classmethod
    def of_value(cls, value: float, count: float = 1.0) -> StatisticSet:
        """One value, so many times."""
        return cls(count, count * value, value, value, {value: count})

    @classmethod
    def told(cls, count: float, total: float, minimum: float, maximum: float) -> StatisticSet:
        """A statistic set as it was published: its values are known only where they are all the same."""
        same = minimum == maximum and total == minimum * count
        return cls(count, total, minimum, maximum, {minimum: count} if same else None)

    def add(self, other: StatisticSet) -> None:
        """Takes the values of another set in."""
        self.count += other.count
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        if self.counts is None or other.counts is None:
            self.counts = None
            return
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0.0) + count


class Bounds(NamedTuple):
    """A range of values: ranks in shares of the count, or fixed values; None where it is open."""

    low: Decimal | None
    high: Decimal | None
    are_percentages: bool

    def kept(self, values: StatisticSet) -> Iterator[tuple[float, float]]:
        """The values of the range, ascending, each with how often it is in it."""
        counts = sorted((values.counts or {}).items())
        return self._ranked(counts, values.count) if self.are_percentages else self._between(counts)

    def _ranked(self, counts: list[tuple[float, float]], total: float) -> Iterator[tuple[float, float]]:
        """A value counts with its ranks above the lower share and up to the upper one, each value touched whole."""
        first = math.floor(Fraction(self.low or 0) * Fraction(total) / 100)
        last = math.ceil(Fraction(100 if self.high is None else self.high) * Fraction(total) / 100)
        rank = 0.0
        for value, count in counts:
            inside = min(rank + count, last) - max(rank, first)
            if inside > 0:
                yield value, inside
            rank += count

    def _between(self, counts: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
        """The lower bound is not in the range, the upper one is."""
        for value, count in counts:
            if (self.low is None or value > float(self.low)) and (self.high is None or value <= float(self.high)):
                yield value, count


Statistic = Callable[[StatisticSet], float | None]
"""The value of a period's statistic; None where there is none."""


def parse_statistic(text: str) -> Statistic:
    """The statistic that a name such as p99.9, tm90, TM(2%:98%) or IQM means. Raises ValueError."""
    if text in PLAIN:
        return lambda values: _plain(values, text)
    if one := _ONE.fullmatch(text):
        kind, bounds = one[1], Bounds(None, Decimal(one[2]), True)
    elif found := _RANGE.fullmatch(_IQM if text == "IQM" else text):
        kind, bounds = found[1].lower(), _bounds(found)
    else:
        raise ValueError(text)
    _check(kind, bounds, text)
    read = _READERS[kind]
    return lambda values: None if values.counts is None or values.minimum < 0 else read(values, bounds)


def _bounds(found: re.Match[str]) -> Bounds:
    _kind, low, low_percent, high, high_percent = found.groups()
    percents = {bool(percent) for number, percent in ((low, low_percent), (high, high_percent)) if number}
    stray = (low is None and low_percent) or (high is None and high_percent)
    if stray or len(percents) != 1:
        raise ValueError(found[0])
    return Bounds(Decimal(low) if low else None, Decimal(high) if high else None, percents.pop())


def _check(kind: str, bounds: Bounds, text: str) -> None:
    if bounds.are_percentages and (kind == "pr" or any(bound is not None and bound > 100 for bound in bounds[:2])):
        raise ValueError(text)
    if bounds.low is not None and bounds.high is not None and bounds.low >= bounds.high:
        raise ValueError(text)


def _plain(values: StatisticSet, name: str) -> float:
    return {
        "Average": values.total / values.count,
        "Sum": values.total,
        "Minimum": values.minimum,
        "Maximum": values.maximum,
        "SampleCount": values.count,
    }[name]


def _percentile(values: StatisticSet, bounds: Bounds) -> float:
    """The largest of the values that are left when those above the share are taken away."""
    return max((value for value, _count in bounds.kept(values)), default=values.minimum)


def _trimmed_mean(values: StatisticSet, bounds: Bounds) -> float | None:
    count = _trimmed_count(values, bounds)
    return _trimmed_sum(values, bounds) / count if count else None


def _trimmed_count(values: StatisticSet, bounds: Bounds) -> float:
    return math.fsum(count for _value, count in bounds.kept(values))


def _trimmed_sum(values: StatisticSet, bounds: Bounds) -> float:
    return math.fsum(value * count for value, count in bounds.kept(values))


def _winsorized_mean(values: StatisticSet, bounds: Bounds) -> float | None:
    """The mean with what is outside the range moved to its edge."""
    if bounds.are_percentages:
        kept = [value for value, _count in bounds.kept(values)] or [values.minimum]
        low, high = kept[0], kept[-1]
    else:
        low = -math.inf if bounds.low is None else float(bounds.low)
        high = math.inf if bounds.high is None else float(bounds.high)
    moved = ((min(max(value, low), high), count) for value, count in (values.counts or {}).items())
    return math.fsum(value * count for value, count in moved) / values.count


def _percentile_rank(values: StatisticSet, bounds: Bounds) -> float:
    return 100 * _trimmed_count(values, bounds) / values.count


_READERS: Final[dict[str, Callable[[StatisticSet, Bounds], float | None]]] = {
    "p": _percentile,
    "tm": _trimmed_mean,
    "tc": _trimmed_count,
    "ts": _trimmed_sum,
    "wm": _winsorized_mean,
    "pr": _percentile_rank,
}
