"""What happened over the run's time: load, latency, errors and pods as panels on one time axis, and as tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from report import formats
from report.charts import Dot, Line, Panel, Tick, linear_scale, log_scale, time_ticks

Record = Mapping[str, Any]
_MOST_POINTS = 900
_TABLE_ROWS = 30
_PERCENTILES = ("p99", "p95", "p50")
_METRIC_TITLES = {
    "pod_cpu_utilization": "CPU",
    "pod_memory_utilization": "Memory",
    "pod_network_rx_bytes": "Network received",
    "pod_network_tx_bytes": "Network sent",
}
_POD_STYLES = 8


@dataclass(frozen=True)
class Stage:
    """A stage of the profile on the time axis."""

    left_percent: float
    width_percent: float
    label: str


@dataclass(frozen=True)
class PodRow:
    """One pod's figures of one metric, for the table behind the chart."""

    metric: str
    pod: str
    statistic: str
    mean: str
    highest: str


@dataclass(frozen=True)
class Timeline:
    """All panels that share the run's time axis."""

    seconds: float
    ticks: list[Tick]
    stages: list[Stage]
    load: list[Panel]
    rows: list[Record]
    row_seconds: float
    pods: list[Panel]
    pod_rows: list[PodRow]


def build_timeline(record: Record) -> Timeline:
    """Panels and tables of one run record."""
    series: list[Record] = record["result"]["series"]
    seconds = _seconds(record)
    width = max(1, -(-len(series) // _MOST_POINTS))
    row_width = max(1, -(-len(series) // _TABLE_ROWS))
    return Timeline(
        seconds=seconds,
        ticks=time_ticks(seconds),
        stages=_stages(record["run"]["profile"]["stages"], seconds),
        load=_load_panels(record, bucketed(series, width), seconds, width),
        rows=bucketed(series, row_width),
        row_seconds=row_width,
        pods=_pod_panels(record, seconds),
        pod_rows=_pod_rows(record),
    )


def _seconds(record: Record) -> float:
    ends = [point["second"] + 1 for point in record["result"]["series"]]
    return float(max([1, record["result"]["duration_seconds"], *ends]))


def _stages(stages: Sequence[Record], seconds: float) -> list[Stage]:
    marks, start, users = [], 0.0, 0
    for stage in stages:
        end = min(start + stage["duration_seconds"], seconds)
        if end > start:
            marks.append(Stage(100 * start / seconds, 100 * (end - start) / seconds, _stage_label(stage, users)))
        start, users = end, stage["users"]
    return marks


def _stage_label(stage: Record, users_before: int) -> str:
    lasting = formats.duration(stage["duration_seconds"])
    if stage["users"] == users_before:
        return f"{users_before:,} users for {lasting}"
    return f"to {stage['users']:,} users in {lasting}"


def bucketed(series: Sequence[Record], width: int) -> list[Record]:
    """The series in steps of `width` points: requests and errors added up, users and percentiles at their highest."""
    groups = [series[start : start + width] for start in range(0, len(series), width)]
    return [_bucket(group) for group in groups]


def _bucket(points: Sequence[Record]) -> Record:
    bucket = {"second": points[0]["second"]} | {
        name: sum(point[name] for point in points) for name in ("requests", "errors")
    }
    for name in ("users", "p50_ms", "p95_ms", "p99_ms"):
        bucket[name] = max((point[name] for point in points if point[name] is not None), default=None)
    return bucket


def _load_panels(record: Record, points: Sequence[Record], seconds: float, width: int) -> list[Panel]:
    return [
        _plain_panel("users", "Users", "", points, seconds, "users", "area-users"),
        _plain_panel("requests_per_second", "Requests", "/s", points, seconds, "requests", "area-requests", width),
        _latency_panel(record, points, seconds),
        _plain_panel("errors_per_second", "Errors", "/s", points, seconds, "errors", "area-errors", width),
    ]


def _plain_panel(
    key: str, title: str, unit: str, points: Sequence[Record], seconds: float, name: str, style: str, width: int = 1
) -> Panel:
    values = [(point["second"] + 0.5, point[name] / width) for point in points]
    highest = max((value for _unused, value in values), default=0.0)
    line = Line(title.lower(), values, style, area=True)
    scale = linear_scale([value for _unused, value in values], at_least=2, steps=2)
    summary = f"highest {formats.count(round(highest, 1))}{unit}" if highest else "none"
    return Panel(key, title, unit, [line], scale, seconds, summary=summary)


def _latency_panel(record: Record, points: Sequence[Record], seconds: float) -> Panel:
    lines = [
        Line(name, [(point["second"] + 0.5, point[f"{name}_ms"]) for point in points], f"band-{name}", area=True)
        for name in _PERCENTILES
    ]
    dots = _slow_dots(record)
    values = [value for line in lines for _unused, value in line.points] + [dot.value for dot in dots]
    scale = log_scale(values)
    note = "logarithmic scale; dots: the slowest requests, red ones open their trace" if dots else "logarithmic scale"
    return Panel("latency", "Latency", "ms", lines, scale, seconds, dots, note, decimals=2)


def _slow_dots(record: Record) -> list[Dot]:
    start = formats.instant(record["run"]["started_at"])
    drawn = {trace["id"] for trace in (*record.get("example_traces", ()), *record["slowest_traces"])}
    return [
        Dot(
            seconds=(formats.instant(slow["at"]) - start).total_seconds(),
            value=slow["latency_ms"],
            label=f"{slow['route']}, {formats.milliseconds(slow['latency_ms'])}",
            href=f"#trace-{slow['trace_id']}" if slow["trace_id"] in drawn else None,
        )
        for slow in record["result"]["slowest_requests"]
    ]


def pod_name(metric: Record) -> str:
    """What a metric is about: its pod, else its service, else the whole namespace or cluster."""
    dimensions: Mapping[str, str] = metric["dimensions"]
    for name in ("PodName", "Service"):
        if name in dimensions:
            return dimensions[name]
    return f"all of {dimensions.get('Namespace') or dimensions.get('ClusterName') or 'the cluster'}"


def _pod_panels(record: Record, seconds: float) -> list[Panel]:
    metrics = record["metrics"]["metrics"]
    styles = {
        pod: f"pod-{position % _POD_STYLES}" for position, pod in enumerate(sorted({pod_name(m) for m in metrics}))
    }
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for metric in metrics:
        if _points(record, metric, seconds):
            groups[metric["metric"], metric["statistic"]].append(metric)
    return [_pod_panel(record, name, group, styles, seconds) for (name, _unused), group in groups.items()]


def _pod_panel(record: Record, name: str, group: Sequence[Record], styles: Mapping[str, str], seconds: float) -> Panel:
    unit, divisor = _display_unit(group)
    lines = [
        Line(pod_name(metric), _points(record, metric, seconds, divisor), styles[pod_name(metric)])
        for metric in sorted(group, key=pod_name)
    ]
    scale = linear_scale([value for line in lines for _unused, value in line.points], at_least=0.001)
    statistic = group[0]["statistic"].lower()
    key = name if statistic == "average" else f"{name}-{statistic}"
    return Panel(key, _METRIC_TITLES.get(name, name), unit, lines, scale, seconds, decimals=2, statistic=statistic)


def _display_unit(group: Sequence[Record]) -> tuple[str, float]:
    unit = group[0]["unit"] or ""
    if not unit.startswith("Bytes"):
        return ("%" if unit == "Percent" else unit), 1.0
    scale = formats.byte_scale(max(value for metric in group for value in metric["values"]))
    return formats.byte_unit(scale) + unit.removeprefix("Bytes").replace("Second", "s"), 1000.0**scale


def _points(record: Record, metric: Record, seconds: float, divisor: float = 1.0) -> list[tuple[float, float | None]]:
    """The points within the run, each in the middle of its period: CloudWatch names a period by its beginning."""
    start = formats.instant(record["run"]["started_at"])
    period = record["metrics"]["period_seconds"]
    points: list[tuple[float, float | None]] = []
    for timestamp, value in sorted(zip(metric["timestamps"], metric["values"], strict=True)):
        at = (formats.instant(timestamp) - start).total_seconds() + period / 2
        if -period / 2 < at < seconds + period / 2:
            points.append((at, value / divisor))
    return points


def _pod_rows(record: Record) -> list[PodRow]:
    return [
        PodRow(
            metric=_METRIC_TITLES.get(metric["metric"], metric["metric"]),
            pod=pod_name(metric),
            statistic=metric["statistic"],
            mean=_with_unit(sum(metric["values"]) / len(metric["values"]), metric["unit"]),
            highest=_with_unit(max(metric["values"]), metric["unit"]),
        )
        for metric in record["metrics"]["metrics"]
        if metric["values"]
    ]


def _with_unit(value: float, unit: str | None) -> str:
    if (unit or "").startswith("Bytes"):
        return formats.byte_size(value) + (unit or "").removeprefix("Bytes").replace("Second", "s")
    return f"{value:,.2f}{' %' if unit == 'Percent' else f' {unit}' if unit else ''}"
