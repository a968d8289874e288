"""How a benchmark tells its figures: a table to read, and a JSON file to compare."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "build" / "benchmarks"


@dataclass(frozen=True)
class Bound:
    """What a figure must keep: at least or at most this."""

    at_least: float | None = None
    at_most: float | None = None

    def keeps(self, value: float) -> bool:
        """Whether a value is within the bound."""
        return not (
            (self.at_least is not None and value < self.at_least) or (self.at_most is not None and value > self.at_most)
        )

    def __str__(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"


def publish(
    name: str,
    figures: Mapping[str, float],
    bounds: Mapping[str, Bound],
    spreads: Mapping[str, tuple[float, float]] | None = None,
) -> int:
    """Prints the figures, writes build/benchmarks/<name>.json; 0, or 1 where a figure is out of its bound.

    `spreads` are the least and the most that rounds gave where a figure is their median.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = {"figures": dict(figures), "spreads": dict(spreads or {}), "machine": machine()}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    width = max(map(len, figures))
    failed = False
    for figure, value in figures.items():
        bound = bounds.get(figure)
        verdict = "" if bound is None else f"{bound!s:>12}  {'kept' if bound.keeps(value) else 'NOT KEPT'}"
        failed |= bound is not None and not bound.keeps(value)
        spread = "{:,.3f} .. {:,.3f}".format(*spreads[figure]) if spreads and figure in spreads else ""
        sys.stdout.write(f"{figure:<{width}}  {value:>14,.3f}{verdict:<24}{spread}".rstrip() + "\n")
    return int(failed)


def publish_rounds(name: str, rounds: Mapping[str, Sequence[float]], bounds: Mapping[str, Bound]) -> int:
    """Publishes the medians of figures that were taken several times, and how far they spread."""
    figures = {figure: statistics.median(values) for figure, values in rounds.items()}
    spreads = {figure: (min(values), max(values)) for figure, values in rounds.items() if len(values) > 1}
    return publish(name, figures, bounds, spreads)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "processor": _processor(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
