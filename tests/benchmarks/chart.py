"""Draws docs/images/performance.svg out of build/benchmarks/apps.json: microseconds of CPU for a request.

Usage: python tests/benchmarks/chart.py (by `make chart`, which sets the paths), after a run on a quiet machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from benchmarks.figures import FOLDER
from support.playbooks import ROOT

TARGET: Final = ROOT / "docs" / "images" / "performance.svg"
PANELS: Final = {
    "A Flask route that answers from Redis": {
        "route_untraced": "untraced",
        "route_traced_5": "traced, 5 % sampled",
        "route_traced_100": "traced, 100 %",
        "route_stock_5": "aws-xray-sdk's middleware, 5 %",
        "route_stock_100": "aws-xray-sdk's middleware, 100 %",
        "route_opentelemetry_100": "traced as OpenTelemetry, 100 %",
    },
    "The backend's cached answers": {
        "cached_bare": "the bare bytes, no application",
        "cached_untraced": "the backend, untraced",
        "cached_traced_100": "the backend, traced, 100 %",
    },
}
WIDTH, LABELS, BAR, STEP = 760, 250, 16, 26
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2937}.title{font-weight:600}.value{fill:#4b5563}"
    ".plain{fill:#94a3b8}.ours{fill:#2563eb}.other{fill:#d97706}"
)


def draw(figures: Mapping[str, float]) -> str:
    """The picture: a panel for each group, a bar for each way of serving that was measured."""
    parts, top = [], 12
    for title, ways in PANELS.items():
        measured = {label: (way, figures[f"{way}_cpu_us"]) for way, label in ways.items() if f"{way}_cpu_us" in figures}
        parts.append(f'<text class="title" x="12" y="{top + 13}">{title}: CPU for a request, µs</text>')
        top += STEP
        most = max(value for _way, value in measured.values())
        for label, (way, value) in measured.items():
            parts += _bar(top, label, way, value, most)
            top += STEP
        top += 14
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img" width="{WIDTH}">'
    return "\n".join(
        [head, f"<style>{_STYLE}</style>", f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>', *parts, "</svg>\n"]
    )


def _bar(top: int, label: str, way: str, value: float, most: float) -> Iterator[str]:
    length = value / most * (WIDTH - LABELS - 70)
    kind = "plain" if way.endswith(("untraced", "bare")) else "other" if "stock" in way else "ours"
    yield f'<text x="{LABELS}" y="{top + 13}" text-anchor="end">{label}</text>'
    yield f'<rect class="{kind}" x="{LABELS + 10}" y="{top}" width="{length:.0f}" height="{BAR}" rx="2"/>'
    yield f'<text class="value" x="{LABELS + 18 + length:.0f}" y="{top + 13}">{value:.0f}</text>'


def main() -> int:
    """Writes the picture; 2 where nothing has been measured."""
    measured = FOLDER / "apps.json"
    if not measured.exists():
        sys.stderr.write(f"there is no {measured}: run make bench-apps\n")
        return 2
    TARGET.write_text(draw(json.loads(measured.read_text())["figures"]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
