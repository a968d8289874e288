"""Everything the page shows, as data: a record and the drawings made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from report import formats
from report.charts import Scale, log_scale
from report.service_map import NARROW, WIDE, ServiceMap, draw_service_map
from report.timeline import Timeline, build_timeline
from report.waterfall import Waterfall, build_waterfall, tiers_of

Record = Mapping[str, Any]
_MOST_WATERFALLS = 10
_MOST_EXAMPLES = 3
NO_BREAK = "\u00a0"
_LADDER = (
    ("p50", "p50"),
    ("p75", "p75"),
    ("p90", "p90"),
    ("p95", "p95"),
    ("p99", "p99"),
    ("p999", "p99.9"),
    ("max", "max"),
)


@dataclass(frozen=True)
class Gauge:
    """A threshold: its result and its limit on one bar."""

    title: str
    actual: str
    limit: str
    used_percent: float
    limit_percent: float
    passed: bool


@dataclass(frozen=True)
class Step:
    """One percentile of the whole run, as a bar."""

    name: str
    key: str
    width_percent: float


@dataclass(frozen=True)
class RouteRow:
    """A route's place in the record and its p50-p95-p99 span on the table's common logarithmic scale."""

    index: int
    from_percent: float
    to_percent: float
    tail_percent: float


@dataclass(frozen=True)
class Page:
    """The view of one run record."""

    record: Record
    sentence: str
    gauges: list[Gauge]
    mix: dict[str, float]
    ladder: list[Step]
    routes: list[RouteRow]
    timeline: Timeline
    maps: dict[str, ServiceMap]
    tiers: list[str]
    examples: list[Waterfall]
    waterfalls: list[Waterfall]
    panels: list[dict[str, Any]]


def build_page(record: Record) -> Page:
    """The page of a checked run record."""
    timeline = build_timeline(record)
    seconds = record["result"]["duration_seconds"] or 1.0
    graph = record["service_graph"]
    examples = record.get("example_traces", [])[:_MOST_EXAMPLES]
    shown = {trace["id"] for trace in examples}
    slowest = [trace for trace in record["slowest_traces"][:_MOST_WATERFALLS] if trace["id"] not in shown]
    tiers = tiers_of([*examples, *slowest])
    return Page(
        record=record,
        sentence=_sentence(record),
        gauges=[_gauge(threshold) for threshold in record["result"]["thresholds"]],
        mix=_mix(record["run"]["profile"]["mix"]),
        ladder=_ladder(record["result"]["latency_ms"]),
        routes=_routes(record["result"]["routes"]),
        timeline=timeline,
        maps={"wide": draw_service_map(graph, seconds, WIDE), "narrow": draw_service_map(graph, seconds, NARROW)},
        tiers=tiers,
        examples=[build_waterfall(trace, tiers) for trace in examples],
        waterfalls=[build_waterfall(trace, tiers) for trace in slowest],
        panels=_panels(timeline),
    )


def _sentence(record: Record) -> str:
    run, result = record["run"], record["result"]
    users = max((stage["users"] for stage in run["profile"]["stages"]), default=0)
    errors = result["errors"]
    failures = (
        "none failed" if not errors else f"{formats.count(errors)} failed ({formats.percent(result['error_rate'])})"
    )
    words = (
        f"{formats.count(result['requests'])} requests in {formats.duration(result['duration_seconds'])} by up to "
        f"{formats.count(users)} users; {failures}; 95 of 100 were answered within "
        f"{formats.milliseconds(result['latency_ms']['p95'])}."
    )
    return words.replace(" %", NO_BREAK + "%").replace(" ms", NO_BREAK + "ms")


def _mix(mix: Record) -> dict[str, float]:
    """Weights as shares of their sum."""
    weights = {name: weight for name, weight in mix.items() if isinstance(weight, int | float)}
    whole = sum(weights.values()) or 1.0
    return {name.replace("_", " "): weight / whole for name, weight in weights.items()}


def _gauge(threshold: Record) -> Gauge:
    name, limit, actual = threshold["name"], threshold["limit"], threshold["actual"]
    whole = max(actual or 0.0, limit) or 1.0
    return Gauge(
        title=name.removesuffix("_ms").replace("_", " "),
        actual=formats.by_name(actual, name),
        limit=formats.by_name(limit, name),
        used_percent=100 * (actual or 0.0) / whole,
        limit_percent=100 * limit / whole,
        passed=threshold["passed"],
    )


def _ladder(latency_ms: Mapping[str, float | None]) -> list[Step]:
    known = [(name, key, latency_ms.get(key)) for key, name in _LADDER]
    highest = max((value for _unused, _unused, value in known if value is not None), default=0.0) or 1.0
    return [Step(name, key, 100 * value / highest) for name, key, value in known if value is not None]


def _routes(routes: Sequence[Record]) -> list[RouteRow]:
    scale = log_scale([route["latency_ms"][name] for route in routes for name in ("p50", "p99")])
    order = sorted(range(len(routes)), key=lambda index: -routes[index]["requests"])
    return [_route_row(index, routes[index]["latency_ms"], scale) for index in order]


def _route_row(index: int, latency_ms: Mapping[str, float | None], scale: Scale) -> RouteRow:
    spans = [scale.percent(latency_ms[name] or 0.0) for name in ("p50", "p95", "p99")]
    return RouteRow(index, *spans)


def _panels(timeline: Timeline) -> list[dict[str, Any]]:
    """The points behind the charts, for the readout under the pointer."""
    return [
        {
            "key": panel.key,
            "unit": panel.unit,
            "decimals": panel.decimals,
            "lines": [
                [[round(seconds, 1), None if value is None else round(value, 3)] for seconds, value in line.points]
                for line in panel.lines
            ],
        }
        for panel in [*timeline.load, *timeline.pods]
    ]
