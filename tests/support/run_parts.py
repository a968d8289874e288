"""A believable run directory, made from a seed: what the stress test leaves in parts/ for the report to join."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.run_traces import slow_traces

Part = dict[str, Any]
STARTED_AT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
_STAGES = ((15, 200), (35, 200), (10, 0))
_PODS = ("backend", "frontend", "postgresql", "redis")
_ROUTES = (
    # tier, method, name, share of requests, median latency in ms
    ("backend", "GET", "/api/catalog/products", 0.32, 2.4),
    ("backend", "GET", "/api/catalog/categories", 0.16, 2.1),
    ("backend", "GET", "/api/search", 0.16, 2.9),
    ("backend", "GET", "/api/orders", 0.05, 9.5),
    ("backend", "POST", "/api/orders", 0.04, 21.0),
    ("backend", "GET", "/api/auth/me", 0.05, 3.1),
    ("backend", "POST", "/api/auth/login", 0.004, 74.0),
    ("frontend", "GET", "/", 0.07, 13.0),
    ("frontend", "GET", "/products", 0.07, 12.0),
    ("frontend", "GET", "/products/<slug>", 0.05, 10.5),
    ("frontend", "GET", "/categories/<slug>", 0.026, 11.0),
)
_CALLS_A_PAGE = 1.4


@dataclass(frozen=True)
class Story:
    """What kind of run to tell: `errors` fail thresholds, `traces=False` is tracing off, `metrics=False` none published."""

    seed: int = 7
    errors: bool = False
    traces: bool = True
    metrics: bool = True


def _users(second: int) -> int:
    before, users_before = 0, 0
    for duration_seconds, users in _STAGES:
        if second < before + duration_seconds:
            return round(users_before + (users - users_before) * (second - before) / duration_seconds)
        before, users_before = before + duration_seconds, users
    return users_before


def _series(story: Story, chance: random.Random) -> list[Part]:
    rows = []
    for second in range(sum(duration for duration, _ in _STAGES)):
        users = _users(second)
        load = users / 200
        requests = round(users * chance.uniform(2.9, 3.3)) + 1
        p50 = 2.6 + 1.9 * load**2 + chance.uniform(0, 0.5)
        p95 = p50 * chance.uniform(4.2, 5.6)
        failing = story.errors and 30 <= second < 42
        rows.append(
            {
                "second": second,
                "users": users,
                "requests": requests,
                "errors": round(requests * chance.uniform(0.1, 0.2)) if failing else 0,
                "p50_ms": round(p50 * (6 if failing else 1), 3),
                "p95_ms": round(p95 * (30 if failing else 1), 3),
                "p99_ms": round(p95 * chance.uniform(1.5, 2.2) * (30 if failing else 1), 3),
            }
        )
    return rows


def _latency_ms(p50: float) -> dict[str, float]:
    factors = {
        "min": 0.32,
        "mean": 1.6,
        "p50": 1,
        "p75": 1.9,
        "p90": 3.4,
        "p95": 4.7,
        "p99": 8.2,
        "p999": 15,
        "max": 24,
    }
    return {name: round(p50 * factor, 3) for name, factor in factors.items()}


def _routes(total: int, errors: int, seconds: int) -> list[Part]:
    rows: list[Part] = []
    for tier, method, name, share, p50 in _ROUTES:
        requests = round(total * share)
        rows.append(
            {"name": name, "method": method, "tier": tier, "requests": requests, "errors": 0}
            | {"requests_per_second": round(requests / seconds, 3), "latency_ms": _latency_ms(p50)}
        )
    rows[0]["requests"] += total - sum(row["requests"] for row in rows)
    rows[0]["errors"] = errors
    return rows


def _load(story: Story, chance: random.Random) -> Part:
    series = _series(story, chance)
    seconds = len(series)
    total = sum(row["requests"] for row in series)
    errors = sum(row["errors"] for row in series)
    latency = _latency_ms(4.1 if not errors else 130.0)
    thresholds = [
        _threshold("error_rate", 0.01, errors / total),
        _threshold("p95_ms", 500, latency["p95"]),
        _threshold("p99_ms", 1000, latency["p99"]),
    ]
    return {
        "schema_version": 1,
        "profile": _profile(),
        "started_at": _iso(0),
        "ended_at": _iso(seconds),
        "target": {"frontend_url": "http://127.0.0.1:3000", "backend_url": "http://127.0.0.1:4000"},
        "seed": story.seed,
        "partial": False,
        "totals": {
            "requests": total,
            "errors": errors,
            "error_rate": errors / total,
            "requests_per_second": round(total / seconds, 3),
            "duration_seconds": float(seconds),
            "bytes_received": total * 4731,
        },
        "latency_ms": latency,
        "routes": _routes(total, errors, seconds),
        "errors": _errors(errors),
        "series": series,
        "thresholds": thresholds,
        "passed": all(threshold["passed"] for threshold in thresholds),
        "slowest": _slowest(story),
        "generator": {
            "processes": 1,
            "cpu_percent_mean": 34.2,
            "cpu_percent_max": 51.8,
            "maximum_requests_per_second_by_think_time": 1000.0,
        },
    }


def _profile() -> Part:
    return {
        "name": "demo",
        "stages": [{"duration_seconds": duration, "users": users} for duration, users in _STAGES],
        "think_time_seconds": [0.1, 0.3],
        "mix": {"browse_api": 0.6, "orders_api": 0.2, "storefront": 0.2},
        "thresholds": {"error_rate": 0.01, "p95_ms": 500, "p99_ms": 1000},
    }


def _threshold(name: str, limit: float, actual: float) -> Part:
    return {"name": name, "limit": limit, "actual": actual, "passed": actual < limit}


def _errors(count: int) -> list[Part]:
    if not count:
        return []
    sample = "503 Service Unavailable: database connection pool exhausted"
    trace_id = "1-69b5288d-00000000000000000000000a"
    return [
        {"route": "/api/catalog/products", "kind": "http_503", "count": count, "sample": sample, "trace_id": trace_id}
    ]


def _iso(seconds: float) -> str:
    return (STARTED_AT + timedelta(seconds=seconds)).isoformat()


def _slowest(story: Story) -> list[Part]:
    if not story.traces:
        return []
    traces = slow_traces(story.seed, STARTED_AT.timestamp())
    return [
        {
            "trace_id": trace["id"],
            "route": trace["http"]["http_url"].split(":", 2)[-1],
            "latency_ms": round(trace["duration_seconds"] * 1000 + 0.8, 3),
            "at": _iso(trace["segments"][0]["end_time"] - STARTED_AT.timestamp()),
        }
        for trace in traces
    ]


def _counts(load: Part) -> tuple[int, int, int]:
    """Requests to the backend's API, to the storefront's pages, and the calls these pages make."""
    pages = sum(route["requests"] for route in load["routes"] if route["tier"] == "frontend")
    return load["totals"]["requests"] - pages, pages, round(pages * _CALLS_A_PAGE)


def _counters(story: Story, load: Part) -> Part:
    direct, pages, calls = _counts(load)
    sent = (direct + calls, pages) if story.traces else (0, 0)
    daemon = {"received": sum(sent), "sent": sum(sent), "dropped": 0, "malformed": 0, "rejected": 0, "queued": 0}
    return {
        "backend": {"requests": direct + calls, "routes": {"/api/catalog/products": direct + calls}},
        "frontend": {"requests": pages, "routes": {"/": pages}},
        "daemon": daemon if story.traces else None,
        "segments": {"backend_sent": sent[0], "backend_dropped": 0, "frontend_sent": sent[1], "frontend_dropped": 0},
    }


def _cache(load: Part) -> Part:
    total = round(load["totals"]["requests"] * 0.7)
    return {"hits": total - 17, "misses": 17, "hit_rate": (total - 17) / total, "total": total, "source": _CACHE_SOURCE}


_CACHE_SOURCE = "backend /metrics/cache, all processes, after minus before"


def _metrics(story: Story, chance: random.Random, seconds: int) -> Part:
    found = list(_pod_metrics(chance, seconds)) if story.metrics else []
    no_network = {"metric": "pod_network_rx_bytes (postgresql)", "reason": "PostgreSQL counts no network bytes"}
    nothing = {"metric": "pod_cpu_utilization", "reason": "no data points in the run's window"}
    return {
        "cluster_name": "deepobs-local",
        "namespace": "ecommerce",
        "start_time": _iso(0),
        "end_time": _iso(seconds),
        "period_seconds": 5,
        "source": "ContainerInsights, published by the process platform's agent from /proc and the apps' own byte counters",
        "metrics": found,
        "missing": [no_network] if story.metrics else [nothing],
    }


def _pod_metrics(chance: random.Random, seconds: int) -> Iterator[Part]:
    scales = {
        "pod_cpu_utilization": ("Percent", (46.0, 22.0, 9.0, 3.5)),
        "pod_memory_utilization": ("Percent", (1.6, 1.3, 0.9, 0.2)),
        "pod_network_rx_bytes": ("Bytes/Second", (310e3, 420e3, None, 88e3)),
        "pod_network_tx_bytes": ("Bytes/Second", (2.4e6, 1.1e6, None, 310e3)),
    }
    for metric, (unit, tops) in scales.items():
        for pod, top in zip(_PODS, tops, strict=True):
            if top is not None:
                yield _pod_metric(metric, unit, pod, _samples(chance, metric, top, seconds))


def _samples(chance: random.Random, metric: str, top: float, seconds: int) -> list[float]:
    floor = 0.9 if "memory" in metric else 0.05
    at = range(0, seconds, 5)
    return [round(top * (floor + (1 - floor) * _users(second) / 200) * chance.uniform(0.94, 1.02), 3) for second in at]


def _pod_metric(metric: str, unit: str, pod: str, values: list[float]) -> Part:
    dimensions = {"ClusterName": "deepobs-local", "Namespace": "ecommerce", "PodName": pod}
    timestamps = [_iso(5 * position - STARTED_AT.second % 5) for position in range(len(values))]
    return {"metric": metric, "statistic": "Average", "unit": unit, "dimensions": dimensions} | {
        "timestamps": timestamps,
        "values": values,
    }


def _traces(story: Story, load: Part) -> Part:
    slowest = slow_traces(story.seed, STARTED_AT.timestamp()) if story.traces else []
    return {
        "start_time": _iso(-1),
        "end_time": _iso(load["totals"]["duration_seconds"] + 1),
        "filter_expression": "",
        "count": load["totals"]["requests"] if story.traces else 0,
        "complete": True,
        "faults": load["totals"]["errors"] if story.traces else 0,
        "errors": 0,
        "throttles": 0,
        "service_graph": _service_graph(load) if story.traces else {"services": [], "edges": []},
        "slowest": slowest,
    }


def _service_graph(load: Part) -> Part:
    direct, pages, calls = _counts(load)
    errors = load["totals"]["errors"]
    nodes = (
        ("client", "client", direct + pages, 0, 0.0071),
        ("ecommerce-frontend", "AWS::EKS::Container", pages, 0, 0.0118),
        ("ecommerce-backend", "AWS::EKS::Container", direct + calls, errors, 0.0049),
        ("redis", "remote", round((direct + calls) * 0.31), 0, 0.0004),
        ("postgresql", "remote", round((direct + calls) * 0.12), errors, 0.0062),
    )
    edges = (
        ("client", "ecommerce-frontend", pages, 0, 0.0118),
        ("client", "ecommerce-backend", direct, errors, 0.0052),
        ("ecommerce-frontend", "ecommerce-backend", calls, 0, 0.0041),
        ("ecommerce-backend", "redis", round((direct + calls) * 0.31), 0, 0.0004),
        ("ecommerce-backend", "postgresql", round((direct + calls) * 0.12), errors, 0.0062),
    )
    services = [
        {"reference_id": position, "name": name, "type": kind, "root": kind == "client", "ok": requests - faults}
        | _node_counts(requests, faults, seconds)
        for position, (name, kind, requests, faults, seconds) in enumerate(nodes)
    ]
    return {
        "services": services,
        "edges": [{"source": a, "target": b} | _node_counts(*counts) for a, b, *counts in edges],
    }


def _node_counts(requests: int, faults: int, mean_seconds: float) -> Part:
    return {
        "requests": requests,
        "errors": 0,
        "faults": faults,
        "total_response_seconds": round(requests * mean_seconds, 6),
    }


def _cost(traces: int) -> Part:
    recorded, pod_days = traces / 1e6 * 5, 4 * 60 / 86400
    items = [
        ("X-Ray traces recorded", traces, "traces", 5e-6, 0, recorded, f"{traces} x $0.000005"),
        ("X-Ray traces retrieved", 10, "traces", 5e-7, 0, 5e-6, "10 x $0.0000005"),
        ("Container Insights", pod_days, "pod-days", 0.30, 0, pod_days * 0.30, "4 pods x 60 s / 86,400 s x $0.30"),
    ]
    names = ("name", "quantity", "unit", "unit_price_usd", "free_quantity", "cost_usd", "formula")
    total = recorded + 5e-6 + pod_days * 0.30
    return {
        "currency": "USD",
        "this_test_usd": round(total, 6),
        "per_day_usd": round(total * 1440, 2),
        "per_month_usd": round(total * 1440 * 30, 2),
        "items": [dict(zip(names, item, strict=True)) for item in items],
        "prices": {
            "xray_recorded_per_million_usd": 5.0,
            "xray_retrieved_per_million_usd": 0.5,
            "container_insights_pod_day_usd": 0.30,
            "date": "2026-03-01",
            "source": "https://aws.amazon.com/cloudwatch/pricing/ and https://aws.amazon.com/xray/pricing/",
        },
    }


def _system() -> Part:
    return {
        "platform": "process",
        "cluster": "deepobs-local",
        "region": "eu-west-1",
        "revision": "3b1e3fd",
        "replicas": {"backend": 1, "frontend": 1},
        "image_digests": {},
        "host": {"cpus": 2, "memory_bytes": 8_321_499_136},
        "versions": {"python": "3.11.7", "flask": "3.1.2", "granian": "2.8.7", "redis": "6.2.18", "postgresql": "18.6"},
        "command": "make demo",
    }


def run_parts(story: Story | None = None) -> dict[str, Part]:
    """Every part of one run, by name; the same story gives the same parts."""
    story = story or Story()
    chance = random.Random(story.seed)
    load = _load(story, chance)
    traces = _traces(story, load)
    return {
        "load": load,
        "system": _system(),
        "counters": _counters(story, load),
        "cache": _cache(load),
        "metrics": _metrics(story, chance, len(load["series"])),
        "traces": traces,
        "cost": _cost(traces["count"]),
    }


def write_parts(run_dir: Path, parts: dict[str, Part]) -> None:
    """Lays the parts down as the stress test's role does."""
    folder = run_dir / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        (folder / f"{name}.json").write_text(json.dumps(part), encoding="utf-8")


if __name__ == "__main__":
    write_parts(Path(sys.argv[1]), run_parts(Story(errors="--failed" in sys.argv)))
