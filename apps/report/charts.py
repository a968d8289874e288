"""Time charts as shapes: scales, ticks and paths, with no knowledge of runs; positions are percent of the plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Value = float | None
Point = tuple[float, Value]
_NICE = (1, 2, 2.5, 3, 4, 5, 10)
_CLOCK_STEPS_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True)
class Tick:
    """A mark on an axis, at percent from its left or bottom end."""

    percent: float
    label: str


@dataclass(frozen=True)
class Line:
    """One series: its points in data units and how it looks (`style` is a class of the style sheet)."""

    name: str
    points: Sequence[Point]
    style: str
    area: bool = False


@dataclass(frozen=True)
class Dot:
    """A single event on a panel, perhaps a link to what it stands for."""

    seconds: float
    value: float
    label: str
    href: str | None = None


@dataclass(frozen=True)
class Scale:
    """Maps values to percent of the plot's height, linear or logarithmic."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def percent(self, value: float) -> float:
        """0 at the bottom, 100 at the top; values outside are held at the border."""
        if self.logarithmic:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return 100 * min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class Panel:
    """One chart over the shared time axis."""

    key: str
    title: str
    unit: str
    lines: Sequence[Line]
    scale: Scale
    seconds: float
    dots: Sequence[Dot] = ()
    note: str = ""
    statistic: str = ""
    decimals: int = 1
    summary: str = ""
    tick_label: Callable[[float], str] = field(default=lambda value: f"{value:,g}")

    @property
    def y_ticks(self) -> list[Tick]:
        """Ticks of the value axis, from the bottom."""
        return [Tick(self.scale.percent(value), self.tick_label(value)) for value in self.scale.ticks]

    def path(self, line: Line) -> str:
        """The line as SVG path data in a plot of 1000 x 100; a gap where a value is None."""
        return " ".join(self._piece(piece) for piece in _pieces(line.points))

    def area(self, line: Line) -> str:
        """The surface between the line and the bottom, as SVG path data."""
        closed = []
        for piece in _pieces(line.points):
            left, right = self._x(piece[0][0]), self._x(piece[-1][0])
            closed.append(f"{self._piece(piece)} L{right:.1f} 100 L{left:.1f} 100 Z")
        return " ".join(closed)

    def left_percent(self, dot: Dot) -> float:
        """Where a dot lies on the time axis."""
        return self._x(dot.seconds) / 10

    def bottom_percent(self, dot: Dot) -> float:
        """Where a dot lies on the value axis."""
        return self.scale.percent(dot.value)

    def _x(self, seconds: float) -> float:
        return 1000 * min(max(seconds / self.seconds, 0.0), 1.0)

    def _piece(self, piece: Sequence[tuple[float, float]]) -> str:
        corners = [f"{self._x(seconds):.1f} {100 - self.scale.percent(value):.2f}" for seconds, value in piece]
        return "M" + " L".join(corners)


def _pieces(points: Sequence[Point]) -> list[list[tuple[float, float]]]:
    """The runs of points that have values; a lone point is drawn as a short line."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for seconds, value in points:
        if value is not None:
            pieces[-1].append((seconds, value))
        elif pieces[-1]:
            pieces.append([])
    return [piece if len(piece) > 1 else [piece[0], (piece[0][0] + 0.5, piece[0][1])] for piece in pieces if piece]


def linear_scale(values: Sequence[Value], at_least: float = 1.0, steps: int = 3) -> Scale:
    """From zero to a round number over the largest value, in about `steps` round steps."""
    top = max([at_least, *(value for value in values if value is not None)])
    step = _nice_step(top / steps)
    count = math.ceil(round(top / step, 9))
    ticks = tuple(round(step * position, 12) for position in range(count + 1))
    return Scale(0.0, ticks[-1], ticks)


def log_scale(values: Sequence[Value]) -> Scale:
    """Powers of ten (and their 2 and 5 where the range is short) around all positive values."""
    positive = [value for value in values if value is not None and value > 0] or [1.0, 10.0]
    steps = _log_steps(min(positive), max(positive))
    if len(steps) > 7:
        steps = [step for step in steps if math.log10(step).is_integer() or step in (steps[0], steps[-1])]
    return Scale(steps[0], steps[-1], tuple(steps), logarithmic=True)


def _log_steps(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
    steps = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in (1, 2, 5)]
    below = [step for step in steps if step <= low]
    above = [step for step in steps if step >= high]
    inside = [step for step in steps if below[-1] < step < above[0]]
    top = above[0] if above[0] > below[-1] else above[1]
    return [below[-1], *inside, top]


def _nice_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(float(f"{nice * power:.12g}") for nice in _NICE if nice * power >= raw * 0.999)


def time_ticks(seconds: float, most: int = 8) -> list[Tick]:
    """Marks of a time axis at round minutes and seconds, at most `most` steps."""
    step = next((step for step in _CLOCK_STEPS_SECONDS if seconds / step <= most), _CLOCK_STEPS_SECONDS[-1])
    at = range(0, int(seconds) + 1, step)
    return [Tick(100 * second / seconds, f"{second // 60}:{second % 60:02d}") for second in at]
