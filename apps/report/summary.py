"""The closing lines of a run, for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report import formats

_WIDTH = 22


def summary_lines(record: dict[str, Any], page: Path) -> list[str]:
    """Verdict and headline numbers, one a line, names in a column."""
    result, latency = record["result"], record["result"]["latency_ms"]
    percentiles = " / ".join(formats.milliseconds(latency[name]) for name in ("p50", "p95", "p99"))
    rows = {
        "verdict": verdict(record),
        "traces captured": formats.count(record["traces"]["count"]),
        "requests": formats.count(result["requests"]),
        "requests/s": formats.rate(result["requests_per_second"]),
        "p50 / p95 / p99": percentiles,
        "error rate": formats.percent(result["error_rate"]),
        "cache hit rate": formats.percent(record["cache"]["hit_rate"]),
        "cost of this test": f"{formats.usd(record['cost']['this_test_usd'])} (estimate)",
        "report": str(page),
    }
    return [f"{name:<{_WIDTH}}{value}" for name, value in rows.items()]


def verdict(record: dict[str, Any]) -> str:
    """passed or failed with the thresholds that say so; a run that was ended early is named as such."""
    failed = [threshold["name"] for threshold in record["result"]["thresholds"] if not threshold["passed"]]
    if record["run"]["partial"]:
        failed.append("ended early")
    return "passed" if record["result"]["passed"] else f"failed ({', '.join(failed) or 'see the report'})"
