"""The load test's part of a made-up run."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from support.run_traces import slow_traces

Part = dict[str, Any]
STARTED_AT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
_STAGES = ((15, 200), (35, 200), (10, 0))
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


@dataclass(frozen=True)
class Story:
    """What kind of run to tell: `errors` fail thresholds, without `traces` or `metrics` there are none."""

    seed: int = 7
    errors: bool = False
    traces: bool = True
    metrics: bool = True


def users_at(second: int) -> int:
    """How many users are at work in a second of the run."""
    before, users_before = 0, 0
    for duration_seconds, users in _STAGES:
        if second < before + duration_seconds:
            return round(users_before + (users - users_before) * (second - before) / duration_seconds)
        before, users_before = before + duration_seconds, users
    return users_before


def _series(story: Story, chance: random.Random) -> list[Part]:
    rows = []
    for second in range(sum(duration for duration, _ in _STAGES)):
        users = users_at(second)
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


def load_part(story: Story, chance: random.Random) -> Part:
    """parts/load.json, as the load test writes it."""
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
        "started_at": iso(0),
        "ended_at": iso(seconds),
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
        "mix": {"products": 30, "categories": 15, "search": 15, "account": 20, "storefront": 20},
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


def iso(seconds: float) -> str:
    """A moment of the run, by seconds since its start."""
    return (STARTED_AT + timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _slowest(story: Story) -> list[Part]:
    if not story.traces:
        return []
    traces = slow_traces(story.seed, STARTED_AT.timestamp())
    return [
        {
            "trace_id": trace["id"],
            "route": trace["http"]["http_url"].split(":", 2)[-1],
            "latency_ms": round(trace["duration_seconds"] * 1000 + 0.8, 3),
            "at": iso(trace["segments"][0]["end_time"] - STARTED_AT.timestamp()),
        }
        for trace in traces
    ]
