"""Turns what was counted into load.json, and writes it so that a reader never sees half of it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtest.plan import Plan
from loadtest.recorder import Recorder, SecondTally, percentile_ms
from loadtest.routes import ROUTES

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class GeneratorLoad:
    """What the generator itself needed: percent of one CPU core per process, None when nothing was measured."""

    processes: int
    cpu_percent_mean: float | None
    cpu_percent_max: float | None


def build_record(plan: Plan, recorder: Recorder, partial: bool, generator: GeneratorLoad) -> dict[str, Any]:
    """The document that load.schema.json describes. `passed` needs every threshold and a run to the stages' end."""
    duration_seconds = max(recorder.ended_at - recorder.started_at, 1e-6)
    totals = _totals(recorder, duration_seconds)
    latency_ms = recorder.latencies().summary_ms()
    thresholds = judge_thresholds(plan.profile.thresholds, totals, latency_ms)
    return {
        "schema_version": SCHEMA_VERSION,
        "profile": plan.profile.as_json(),
        "started_at": iso_time(recorder.started_at),
        "ended_at": iso_time(recorder.ended_at),
        "target": {"frontend_url": plan.frontend_url, "backend_url": plan.backend_url},
        "seed": plan.seed,
        "partial": partial,
        "totals": totals,
        "latency_ms": latency_ms,
        "routes": _routes(recorder, duration_seconds),
        "errors": _errors(recorder),
        "series": _series(recorder),
        "thresholds": thresholds,
        "passed": not partial and all(threshold["passed"] for threshold in thresholds),
        "slowest": _slowest(recorder),
        "generator": _generator(plan, generator),
    }


def judge_thresholds(
    limits: Mapping[str, float], totals: Mapping[str, Any], latency_ms: Mapping[str, float | None]
) -> list[dict[str, Any]]:
    """Holds each limit (the highest value that passes) against the result; without a request none passes."""

    def actual(name: str) -> float | None:
        if not totals["requests"]:
            return None
        return float(totals["error_rate"]) if name == "error_rate" else latency_ms[name.removesuffix("_ms")]

    results = {name: actual(name) for name in limits}
    return [
        {"name": name, "limit": limit, "actual": result, "passed": result is not None and result <= limit}
        for (name, limit), result in zip(limits.items(), results.values(), strict=True)
    ]


def iso_time(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC with microseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def write_atomically(path: Path, document: Mapping[str, Any]) -> None:
    """Puts the document there in one step; raises OSError and leaves nothing when that cannot be done."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _totals(recorder: Recorder, duration_seconds: float) -> dict[str, Any]:
    return {
        "requests": recorder.requests,
        "errors": recorder.error_count,
        "error_rate": recorder.error_count / recorder.requests if recorder.requests else 0.0,
        "requests_per_second": round(recorder.requests / duration_seconds, 3),
        "duration_seconds": round(duration_seconds, 6),
        "bytes_received": recorder.bytes_received,
    }


def _routes(recorder: Recorder, duration_seconds: float) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "method": ROUTES[name].method,
            "tier": ROUTES[name].tier,
            "requests": tally.requests,
            "errors": tally.errors,
            "requests_per_second": round(tally.requests / duration_seconds, 3),
            "latency_ms": tally.latencies.summary_ms(),
        }
        for name, tally in sorted(recorder.routes.items())
    ]


def _errors(recorder: Recorder) -> list[dict[str, Any]]:
    return [
        {"route": route, "kind": kind, "count": tally.count, "sample": tally.sample, "trace_id": tally.trace_id}
        for (route, kind), tally in sorted(recorder.errors.items())
    ]


def _series(recorder: Recorder) -> list[dict[str, Any]]:
    last = int(recorder.ended_at - recorder.started_at)
    return [_second(second, recorder.seconds.get(second, SecondTally())) for second in range(last + 1)]


def _second(second: int, tally: SecondTally) -> dict[str, Any]:
    ordered = sorted(tally.latencies_us)
    percentiles = {f"p{percent}_ms": percentile_ms(ordered, percent) for percent in (50, 95, 99)}
    return {
        "second": second,
        "users": tally.users,
        "requests": tally.requests,
        "errors": tally.errors,
        **percentiles,
    }


def _slowest(recorder: Recorder) -> list[dict[str, Any]]:
    return [
        {
            "trace_id": outcome.trace_id,
            "route": outcome.route,
            "latency_ms": round(outcome.latency_us / 1000, 3),
            "at": iso_time(outcome.sent_at),
        }
        for outcome in recorder.slowest()
    ]


def _generator(plan: Plan, generator: GeneratorLoad) -> dict[str, Any]:
    return {
        "processes": generator.processes,
        "cpu_percent_mean": generator.cpu_percent_mean,
        "cpu_percent_max": generator.cpu_percent_max,
        "maximum_requests_per_second_by_think_time": plan.profile.maximum_requests_per_second(),
    }
