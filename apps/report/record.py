"""Joins the parts of a run into its record, which holds nothing but what the parts hold and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from report.reconciliation import reconcile

SCHEMA_VERSION = 1
_TRACE_KEYS = ("start_time", "end_time", "filter_expression", "count", "complete", "faults", "errors", "throttles")
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
        "metrics": parts["metrics"],
        "traces": {key: traces[key] for key in _TRACE_KEYS if key in traces} | _histogram(traces),
        "service_graph": graph,
        "slowest_traces": traces["slowest"],
        "cost": parts["cost"],
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


def _histogram(traces: Mapping[str, Any]) -> dict[str, Any]:
    key = "response_time_histogram"
    return {key: traces[key]} if key in traces else {}
