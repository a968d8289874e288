"""How a benchmark tells its figures: a table to read, and a JSON file to compare."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
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


def publish(name: str, figures: Mapping[str, float], bounds: Mapping[str, Bound]) -> int:
    """Prints the figures, writes build/benchmarks/<name>.json; 0, or 1 where a figure is out of its bound."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = {"figures": dict(figures), "machine": machine()}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    width = max(map(len, figures))
    failed = False
    for figure, value in figures.items():
        bound = bounds.get(figure)
        verdict = "" if bound is None else f"{bound!s:>12}  {'kept' if bound.keeps(value) else 'NOT KEPT'}"
        failed |= bound is not None and not bound.keeps(value)
        sys.stdout.write(f"{figure:<{width}}  {value:>14,.3f}{verdict}\n")
    return int(failed)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
