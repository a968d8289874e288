"""Thresholds decide, and the record appears in one step."""

from __future__ import annotations

from pathlib import Path

import pytest
from loadtest.record import iso_time, judge_thresholds, write_atomically

_LATENCY_MS = {"p95": 500.0, "p99": 1000.1}


@pytest.mark.parametrize(
    ("name", "limit", "passed"),
    [
        ("p95_ms", 500, True),
        ("p95_ms", 499.9, False),
        ("p99_ms", 1000, False),
        ("error_rate", 0.01, True),
        ("error_rate", 0, False),
    ],
)
def test_threshold_passes_up_to_its_limit(name: str, limit: float, passed: bool) -> None:
    [result] = judge_thresholds({name: limit}, {"requests": 100, "error_rate": 0.01}, _LATENCY_MS)
    assert (result["name"], result["limit"], result["passed"]) == (name, limit, passed)


def test_no_threshold_passes_without_a_request() -> None:
    results = judge_thresholds({"error_rate": 0, "p95_ms": 1}, {"requests": 0, "error_rate": 0.0}, {"p95": None})
    assert [(result["actual"], result["passed"]) for result in results] == [(None, False), (None, False)]


def test_record_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "load.json"
    target.mkdir()
    with pytest.raises(OSError, match=r"load\.json"):
        write_atomically(target, {})
    assert list(tmp_path.iterdir()) == [target]


def test_time_is_utc_with_microseconds() -> None:
    assert iso_time(1_800_000_000.25) == "2027-01-15T08:00:00.250000Z"
