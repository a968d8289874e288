"""Puts the figures of build/benchmarks/apps.json into docs/performance.md, and draws the picture beside them.

Usage: python tests/benchmarks/performance_page.py (by `make performance`, which sets the paths), after a run of
`make bench-apps` on a quiet machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.apps import BOUNDS
from benchmarks.figures import FOLDER
from support.playbooks import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
PICTURE: Final = ROOT / "docs" / "images" / "performance.svg"
BEGIN, END = "<!-- figures: make performance -->\n", "<!-- end of figures -->"
MEANINGS: Final = {
    "traced_ratio_100": "Flask + Redis route, every request sampled: untraced CPU / traced CPU",
    "traced_ratio_5": "the same where the account's rule samples 5 %",
    "stock_ratio_100": "the same route with aws-xray-sdk's own middleware, every request sampled",
    "stock_ratio_5": "that at 5 %",
    "opentelemetry_ratio_100": "`TRACING=opentelemetry`, every request sampled, spans to a collector",
    "cached_ratio_bare": "cached answers, untraced: CPU of the bare bytes / the backend's",
    "cached_traced_ratio_bare": "the same with every request sampled",
    "segment_cpu_us": "microseconds of CPU that a segment adds to a cached answer",
    "page_cpu_ratio": "the storefront's product list, every request sampled: its CPU / the least page's",
    "page_anew_cpu_ratio": "the same where the cards are drawn anew for each request",
    "orders_per_second": "one backend, 40 customers who order again and again: checkouts a second",
    "orders_p95_ms": "their 95th percentile",
    "order_cpu_us": "microseconds of the backend's CPU for a checkout",
    "orders_lost": "checkouts that were answered and are not in the database",
    "orders_doubled": "orders in the database for which there was no checkout",
    "stock_difference": "pieces that are neither in stock nor ordered",
    "two_tier_rps": "both tiers, 200 users without think time: requests a second",
    "two_tier_p95_ms": "their 95th percentile, pages among them",
    "two_tier_page_p95_ms": "that of the storefront's pages alone",
    "two_tier_backend_cores": "cores that the backend used meanwhile",
    "two_tier_frontend_cores": "cores that the storefront used",
    "two_tier_errors": "requests that failed",
    "segments_sent": "segments that both tiers sent meanwhile",
    "segments_lost": "those that X-Ray's stand-in did not get",
}
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
    "The storefront's product list": {
        "page_plain": "the least Flask page, untraced",
        "page_storefront": "the storefront, traced, 100 %",
        "page_storefront_anew": "that, cards drawn anew",
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
    kind = "plain" if way.endswith(("untraced", "bare", "plain")) else "other" if "stock" in way else "ours"
    yield f'<text x="{LABELS}" y="{top + 13}" text-anchor="end">{label}</text>'
    yield f'<rect class="{kind}" x="{LABELS + 10}" y="{top}" width="{length:.0f}" height="{BAR}" rx="2"/>'
    yield f'<text class="value" x="{LABELS + 18 + length:.0f}" y="{top + 13}">{value:.0f}</text>'


def table(document: Mapping[str, Any]) -> str:
    """The figures as Markdown, with the spread of their rounds, their bounds, and the machine."""
    figures, spreads, machine = document["figures"], document["spreads"], document["machine"]
    lines = ["| figure | measured | rounds | bound | what |", "|---|---|---|---|---|"]
    for figure, meaning in MEANINGS.items():
        spread = " .. ".join(map(_number, spreads[figure])) if figure in spreads else ""
        bound = str(BOUNDS.get(figure, ""))
        lines.append(f"| `{figure}` | {_number(figures[figure])} | {spread} | {bound} | {meaning} |")
    told = "{system}, {cpus} cores ({processor}), Python {python}, load average {load_average:.1f} at the end"
    return "\n".join([*lines, "", f"Measured on {told.format(**machine)}.", ""])


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}"


def main() -> int:
    """Writes the page and the picture; 2 where not everything has been measured."""
    measured = FOLDER / "apps.json"
    if not measured.exists():
        sys.stderr.write(f"there is no {measured}: run make bench-apps\n")
        return 2
    document = json.loads(measured.read_text())
    before, _begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}{table(document)}{END}{after}", encoding="utf-8")
    PICTURE.write_text(draw(document["figures"]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
