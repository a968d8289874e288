"""What metric math computes with: numbers, time series and arrays of time series, and the operators between them.

Source: Amazon CloudWatch user guide, "Using math expressions with CloudWatch metrics".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

Points = dict[int, float]
"""Values by epoch second."""


@dataclass(frozen=True, slots=True)
class Line:
    """A time series; `is_metric` tells one that was read from one that was computed.

    `has_dropped` tells that points are missing since they would be no numbers; `properties` are what a dynamic label
    can tell of a metric.
    """

    label: str
    period_seconds: int
    points: Points = field(default_factory=dict)
    is_metric: bool = False
    has_dropped: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)

    def with_points(self, points: Points) -> Line:
        """The same series computed: other points, oldest first, without what is no number."""
        numbers = {at: points[at] for at in sorted(points) if math.isfinite(points[at])}
        has_dropped = self.has_dropped or len(numbers) < len(points)
        return replace(self, points=numbers, is_metric=False, has_dropped=has_dropped)


class Word(str):
    """A word of the language that is no value, such as DESC or REPEAT."""


class Text(str):
    """A quoted text."""


Value = float | Line | list[Line] | Word | Text
Binary = Callable[[float, float], float]


class MathError(ValueError):
    """An expression that CloudWatch refuses; the message says why."""


def _divide(left: float, right: float) -> float:
    return left / right if right else math.nan


def _power(left: float, right: float) -> float:
    try:
        return float(math.pow(left, right))
    except (ValueError, OverflowError):
        return math.nan


ARITHMETIC: Final[dict[str, Binary]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
}
CONDITIONS: Final[dict[str, Binary]] = {
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}


def arithmetic(symbol: str, left: Value, right: Value) -> Value:
    """The value of an arithmetic operator; of two arrays there is none."""
    function = ARITHMETIC[symbol]
    match left, right:
        case (list(), list()):
            raise MathError(f"Unsupported operand types for {symbol}: two arrays of time series")
        case (list(), float() | Line()):
            return [_combined(function, line, right) for line in left]
        case (float() | Line(), list()):
            return [_combined(function, left, line, line) for line in right]
    return _pair(symbol, function, left, right)


def condition(symbol: str, left: Value, right: Value) -> Value:
    """1 where a comparison or logical operator holds, else 0."""
    return _pair(symbol, CONDITIONS[symbol], left, right)


def _pair(symbol: str, function: Binary, left: Value, right: Value) -> Value:
    match left, right:
        case (float(), float()):
            return function(left, right)
        case (Line() | float(), Line() | float()):
            return _combined(function, left, right)
    raise MathError(f"Unsupported operand types for {symbol}")


def _combined(function: Binary, left: float | Line, right: float | Line, named: Line | None = None) -> Line:
    """Point by point; where only one of two series has a point, the other one counts as 0."""
    lines = [side for side in (left, right) if isinstance(side, Line)]
    seconds = {at for line in lines for at in line.points}
    line = named or lines[0]
    return line.with_points({at: function(_at(left, at), _at(right, at)) for at in seconds})


def _at(side: float | Line, second: int) -> float:
    return side.points.get(second, 0.0) if isinstance(side, Line) else side


def each(function: Callable[[Line], Line], value: Value) -> Value:
    """A function of one series, over one or over an array of them. Raises MathError for anything else."""
    if isinstance(value, Line):
        return function(value)
    if isinstance(value, list):
        return [function(line) for line in value]
    raise MathError("a time series or an array of time series is wanted")


def mapped(function: Callable[[float], float]) -> Callable[[Line], Line]:
    """A function of numbers as one of series."""
    return lambda line: line.with_points({at: function(value) for at, value in line.points.items()})
