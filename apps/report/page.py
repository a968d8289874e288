"""Everything the page shows, as data: a record and the drawings made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from report import formats
from report.service_map import NARROW, WIDE, ServiceMap, draw_service_map
from report.timeline import Timeline, build_timeline
from report.waterfall import Waterfall, build_waterfall

Record = Mapping[str, Any]
_MOST_WATERFALLS = 10
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
    """A threshold: how much of its limit was used."""

    title: str
    actual: str
    limit: str
    used_percent: float
    passed: bool


@dataclass(frozen=True)
class Step:
    """One percentile of the whole run, as a bar."""

    name: str
    key: str
    width_percent: float


@dataclass(frozen=True)
class RouteRow:
    """A route's place in the record and its p50-p95-p99 span on the table's common scale."""

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
    ladder: list[Step]
    routes: list[RouteRow]
    timeline: Timeline
    maps: dict[str, ServiceMap]
    waterfalls: list[Waterfall]
    panels: list[dict[str, Any]]


def build_page(record: Record) -> Page:
    """The page of a checked run record."""
    timeline = build_timeline(record)
    seconds = record["result"]["duration_seconds"] or 1.0
    graph = record["service_graph"]
    return Page(
        record=record,
        sentence=_sentence(record),
        gauges=[_gauge(threshold) for threshold in record["result"]["thresholds"]],
        ladder=_ladder(record["result"]["latency_ms"]),
        routes=_routes(record["result"]["routes"]),
        timeline=timeline,
        maps={"wide": draw_service_map(graph, seconds, WIDE), "narrow": draw_service_map(graph, seconds, NARROW)},
        waterfalls=[build_waterfall(trace) for trace in record["slowest_traces"][:_MOST_WATERFALLS]],
        panels=_panels(timeline),
    )


def _sentence(record: Record) -> str:
    run, result = record["run"], record["result"]
    users = max((stage["users"] for stage in run["profile"]["stages"]), default=0)
    errors = result["errors"]
    failures = (
        "none failed" if not errors else f"{formats.count(errors)} failed ({formats.percent(result['error_rate'])})"
    )
    return (
        f"{formats.count(result['requests'])} requests in {formats.duration(result['duration_seconds'])} by up to "
        f"{formats.count(users)} users; {failures}; 95 of 100 were answered within "
        f"{formats.milliseconds(result['latency_ms']['p95'])}."
    )


def _gauge(threshold: Record) -> Gauge:
    name, limit, actual = threshold["name"], threshold["limit"], threshold["actual"]
    used = 100.0 if actual is None or not limit else 100 * actual / limit
    if not limit and not actual:
        used = 0.0
    title = name.removesuffix("_ms").replace("_", " ")
    return Gauge(
        title, formats.by_name(actual, name), formats.by_name(limit, name), min(used, 100.0), threshold["passed"]
    )


def _ladder(latency_ms: Mapping[str, float | None]) -> list[Step]:
    known = [(name, key, latency_ms.get(key)) for key, name in _LADDER]
    highest = max((value for _, _, value in known if value is not None), default=0.0) or 1.0
    return [Step(name, key, 100 * value / highest) for name, key, value in known if value is not None]


def _routes(routes: Sequence[Record]) -> list[RouteRow]:
    tails = [route["latency_ms"]["p99"] or 0.0 for route in routes]
    highest = max(tails, default=0.0) or 1.0
    order = sorted(range(len(routes)), key=lambda index: -routes[index]["requests"])
    return [_route_row(index, routes[index]["latency_ms"], highest) for index in order]


def _route_row(index: int, latency_ms: Mapping[str, float | None], highest: float) -> RouteRow:
    spans = [100 * (latency_ms[name] or 0.0) / highest for name in ("p50", "p95", "p99")]
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
