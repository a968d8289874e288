"""Joins the parts of a run into its record, which holds nothing but what the parts hold and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from report.reconciliation import reconcile

SCHEMA_VERSION = 1
_METRIC_KEYS = ("cluster_name", "namespace", "start_time", "end_time", "period_seconds", "source", "metrics", "missing")
_TRACE_KEYS = ("start_time", "end_time", "filter_expression", "count", "complete", "faults", "errors", "throttles")
_HISTOGRAM_KEYS = ("response_time_histogram",)
_COST_KEYS = ("currency", "this_test_usd", "per_day_usd", "per_month_usd", "items", "prices")
_NO_GRAPH: dict[str, list[Any]] = {"services": [], "edges": []}


def join(run_id: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The run record (run.schema.json) of checked parts; the same parts give the same record."""
    traces = parts["traces"]
    graph = traces["service_graph"] or _NO_GRAPH
    return {
        "schema_version": SCHEMA_VERSION,
        "run": _run(run_id, parts["load"], parts["system"]),
        "result": _result(parts["load"]),
        "counters": parts["counters"],
        "cache": parts["cache"],
        "metrics": _only(_METRIC_KEYS, parts["metrics"]),
        "traces": _only(_TRACE_KEYS + _HISTOGRAM_KEYS, traces),
        "service_graph": graph,
        "slowest_traces": traces["slowest"],
        **({"example_traces": traces["example"]} if "example" in traces else {}),
        "cost": _only(_COST_KEYS, parts["cost"]),
        "reconciliation": [row.as_dict() for row in reconcile(parts["load"], parts["counters"], traces)],
    }


def _run(run_id: str, load: Mapping[str, Any], system: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("profile", "started_at", "ended_at", "partial", "target", "generator")
    return {"id": run_id, "seed": load.get("seed"), "system": system} | {key: load[key] for key in kept}


def _result(load: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("passed", "thresholds", "latency_ms", "routes", "series")
    return (
        {key: load["totals"][key] for key in load["totals"]}
        | {key: load[key] for key in kept}
        | {"error_kinds": load["errors"], "slowest_requests": load["slowest"]}
    )


def _only(keys: tuple[str, ...], part: Mapping[str, Any]) -> dict[str, Any]:
    """A module's own answer, without what its caller registered beside it, such as `changed`."""
    return {key: part[key] for key in keys if key in part}
