"""The functions of metric math, by name.

Source: Amazon CloudWatch user guide, "Functions supported for metric math".
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from typing import Any, Final

from localaws.cloudwatch.lines import Line, MathError, Points, Text, Value, Word, each, mapped
from localaws.cloudwatch.series import span

DATAPOINTS_LIMIT: Final = 100_800
"""Points of a reply at most (Amazon CloudWatch API reference, GetMetricData)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression is computed in: the request's times in epoch seconds, and the metrics it reads, by id."""

    start: float
    end: float
    now: float
    period_seconds: int
    metrics: dict[str, Line]

    def seconds(self, period_seconds: int) -> range:
        """The first second of each period of the request. Raises MathError for more than a reply has points."""
        found = span(self.start, self.end, period_seconds, self.now)
        if len(found) > DATAPOINTS_LIMIT:
            raise MathError(f"{len(found):,} periods are more than {DATAPOINTS_LIMIT:,}")
        return found


Function = Callable[..., Value]


def _line(value: Value) -> Line:
    if not isinstance(value, Line):
        raise MathError("a single time series is wanted")
    return value


def _lines(value: Value) -> list[Line]:
    if not isinstance(value, list):
        raise MathError("an array of time series is wanted")
    return value


def _number(value: Value) -> float:
    if not isinstance(value, float):
        raise MathError("a number is wanted")
    return value


def _whole(value: Value) -> int:
    number = _number(value)
    if not math.isfinite(number):
        raise MathError("a whole number is wanted")
    return int(number)


def _aggregate(
    over_points: Callable[[list[float]], float],
    over_lines: Callable[[list[float], int], float] | None = None,
    of_nothing: float = math.nan,
) -> Function:
    """A number of one series, or one series of an array: point by point, of the values that are there."""

    def of_points(numbers: list[float]) -> float:
        return _finite(over_points, numbers)

    def of_lines(numbers: list[float], count: int) -> float:
        return _finite(over_lines, numbers, count) if over_lines else of_points(numbers)

    def aggregate(_scope: Scope, value: Value) -> Value:
        if isinstance(value, Line):
            return of_points(list(value.points.values())) if value.points else of_nothing
        lines = _lines(value)
        found: dict[int, list[float]] = {}
        for line in lines:
            for at, number in line.points.items():
                found.setdefault(at, []).append(number)
        return _joined(lines).with_points({at: of_lines(numbers, len(lines)) for at, numbers in found.items()})

    return aggregate


def _finite(function: Callable[..., float], *arguments: Any) -> float:
    """A value of a function; no number where it is too large for one."""
    try:
        return float(function(*arguments))
    except OverflowError:
        return math.nan


def _joined(lines: list[Line]) -> Line:
    """What a series computed of several is like: the longest of their periods."""
    return Line("", max((line.period_seconds for line in lines), default=60))


_AGGREGATES: Final[dict[str, Function]] = {
    # Values that are missing in one series of an array count as 0.
    "AVG": _aggregate(statistics.fmean, lambda numbers, count: math.fsum(numbers) / count),
    "SUM": _aggregate(math.fsum, of_nothing=0.0),
    "MIN": _aggregate(min),
    "MAX": _aggregate(max),
    "STDDEV": _aggregate(statistics.pstdev),
    "DATAPOINT_COUNT": _aggregate(len, of_nothing=0.0),
}


def _steps(function: Callable[[float, float], float]) -> Function:
    """A function of each point and the one before: of the difference of values and of seconds."""

    def of_line(line: Line) -> Line:
        pairs = pairwise(line.points.items())
        return line.with_points({at: function(value - before, at - then) for (then, before), (at, value) in pairs})

    return lambda _scope, value: each(of_line, value)


def _mapped(function: Callable[[float], float]) -> Function:
    return lambda _scope, value: each(mapped(function), value)


def _logarithm(function: Callable[[float], float]) -> Function:
    return _mapped(lambda value: function(value) if value > 0 else math.nan)


def _calendar(read: Callable[[datetime], float]) -> Function:
    """A value of each period's time, whether or not the series has a point there; UTC."""

    def of_scope(scope: Scope, value: Value) -> Value:
        line = _line(value)
        seconds = scope.seconds(line.period_seconds)
        return line.with_points({at: float(read(datetime.fromtimestamp(at, UTC))) for at in seconds})

    return of_scope


def _running_sum(_scope: Scope, value: Value) -> Value:
    return each(
        lambda line: line.with_points(dict(zip(line.points, accumulate(line.points.values()), strict=True))), value
    )


def _metrics(scope: Scope, *texts: Value) -> Value:
    wanted = texts[0] if texts else Text("")
    if not isinstance(wanted, Text):
        raise MathError("METRICS takes a quoted part of the ids")
    return [line for name, line in scope.metrics.items() if wanted in name]


def _period(_scope: Scope, value: Value) -> Value:
    line = _line(value)
    if not line.is_metric:
        raise MathError("PERIOD takes a metric, not the result of an expression")
    return float(line.period_seconds)


def _time_series(scope: Scope, value: Value) -> Value:
    number = _number(value)
    line = Line("", scope.period_seconds)
    return line.with_points(dict.fromkeys(scope.seconds(scope.period_seconds), number))


def _fill(scope: Scope, value: Value, filler: Value) -> Value:
    fillers: dict[type, Callable[[Line, range], Points]] = {
        float: lambda _line, seconds: dict.fromkeys(seconds, _number(filler)),
        Line: lambda _unused, _seconds: _line(filler).points,
    }
    fill = _FILLS.get(str(filler)) if isinstance(filler, Word) else fillers.get(type(filler))
    if fill is None:
        raise MathError("FILL takes a number, a time series, REPEAT or LINEAR")

    def of_line(line: Line) -> Line:
        seconds = scope.seconds(line.period_seconds)
        given = {at: number for at, number in fill(line, seconds).items() if at in seconds}
        return line.with_points({**given, **line.points})

    return each(of_line, value)


def _repeated(line: Line, seconds: range) -> Points:
    """The last value before each gap."""
    found: Points = {}
    last: float | None = None
    for at in seconds:
        last = line.points.get(at, last)
        if last is not None:
            found[at] = last
    return found


def _interpolated(line: Line, seconds: range) -> Points:
    """The straight line between the values at both ends of each gap."""
    found: Points = {}
    for (then, before), (at, value) in pairwise(line.points.items()):
        slope = (value - before) / (at - then)
        found.update({second: before + slope * (second - then) for second in seconds if then < second < at})
    return found


_FILLS: Final[dict[str, Callable[[Line, range], Points]]] = {"REPEAT": _repeated, "LINEAR": _interpolated}


def _if(_scope: Scope, condition: Value, yes: Value, no: Value | None = None) -> Value:
    if not isinstance(yes, float | Line) or not isinstance(no, float | Line | None):
        raise MathError("IF takes numbers and single time series")
    if isinstance(condition, Line):
        points = {at: _chosen(bool(value), at, yes, no) for at, value in condition.points.items()}
        return condition.with_points({at: value for at, value in points.items() if value is not None})
    chosen = yes if _number(condition) else no
    if isinstance(yes, float):
        raise MathError("IF needs a time series as its condition or its value")
    return yes.with_points({}) if chosen is None else chosen


def _chosen(holds: bool, second: int, yes: float | Line, no: float | Line | None) -> float | None:
    """A true point without a value is 0; a false one without a value is dropped."""
    if holds:
        return yes.points.get(second, 0.0) if isinstance(yes, Line) else yes
    return no.points.get(second) if isinstance(no, Line) else no


def _sort(scope: Scope, value: Value, function: Value, order: Value, limit: Value = math.inf) -> Value:
    if function not in ("AVG", "MIN", "MAX", "SUM") or order not in ("ASC", "DESC"):
        raise MathError("SORT takes AVG, MIN, MAX or SUM, then ASC or DESC")
    rank = _AGGREGATES[str(function)]
    filled = [line for line in _lines(value) if line.points]
    empty = [line for line in _lines(value) if not line.points]
    filled.sort(key=lambda line: _number(rank(scope, line)), reverse=order == "DESC")
    return [*filled, *empty][: None if limit == math.inf else _whole(limit)]


def _slice(_scope: Scope, value: Value, first: Value, stop: Value = math.inf) -> Value:
    return _lines(value)[_whole(first) : None if stop == math.inf else _whole(stop)]


def _nth(position: int) -> Function:
    def nth(_scope: Scope, value: Value) -> Value:
        lines = _lines(value)
        return lines[position] if lines else Line("", 60)

    return nth


def _without_empty(_scope: Scope, value: Value) -> Value:
    return [line for line in _lines(value) if line.points]


FUNCTIONS: Final[dict[str, tuple[Iterable[int], Function]]] = {
    # How many arguments, and what computes them.
    **{name: ((1,), aggregate) for name, aggregate in _AGGREGATES.items()},
    "ABS": ((1,), _mapped(abs)),
    "CEIL": ((1,), _mapped(math.ceil)),
    "FLOOR": ((1,), _mapped(math.floor)),
    "LOG": ((1,), _logarithm(math.log)),
    "LOG10": ((1,), _logarithm(math.log10)),
    "DIFF": ((1,), _steps(lambda values, _seconds: values)),
    "DIFF_TIME": ((1,), _steps(lambda _values, seconds: seconds)),
    "RATE": ((1,), _steps(lambda values, seconds: values / seconds)),
    "RUNNING_SUM": ((1,), _running_sum),
    "EPOCH": ((1,), _calendar(datetime.timestamp)),
    "MINUTE": ((1,), _calendar(lambda moment: moment.minute)),
    "HOUR": ((1,), _calendar(lambda moment: moment.hour)),
    "DAY": ((1,), _calendar(datetime.isoweekday)),
    "DATE": ((1,), _calendar(lambda moment: moment.day)),
    "MONTH": ((1,), _calendar(lambda moment: moment.month)),
    "YEAR": ((1,), _calendar(lambda moment: moment.year)),
    "METRICS": ((0, 1), _metrics),
    "METRIC_COUNT": ((1,), lambda _scope, value: float(len(_lines(value)))),
    "PERIOD": ((1,), _period),
    "TIME_SERIES": ((1,), _time_series),
    "FILL": ((2,), _fill),
    "IF": ((2, 3), _if),
    "SORT": ((3, 4), _sort),
    "SLICE": ((2, 3), _slice),
    "FIRST": ((1,), _nth(0)),
    "LAST": ((1,), _nth(-1)),
    "REMOVE_EMPTY": ((1,), _without_empty),
}
