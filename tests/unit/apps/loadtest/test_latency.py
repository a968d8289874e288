"""Histograms against the values they were made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loadtest.latency import LatencyHistogram, exact_percentile, rank_at

_LATENCIES_US = st.lists(st.integers(min_value=1, max_value=120_000_000), min_size=1, max_size=300)
_PERCENTILES = {"p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99, "p999": 99.9}


def _histogram(latencies_us: list[int]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for latency_us in latencies_us:
        histogram.record(latency_us)
    return histogram


@given(_LATENCIES_US)
def test_percentiles_are_within_a_thousandth_of_the_exact_ones(latencies_us: list[int]) -> None:
    summary, ordered = _histogram(latencies_us).summary_ms(), sorted(latencies_us)
    for name, percent in _PERCENTILES.items():
        assert summary[name] == pytest.approx(exact_percentile(ordered, percent) / 1000, rel=0.001, abs=0.001)
    assert summary["min"] == pytest.approx(ordered[0] / 1000, abs=0.0005)
    assert summary["max"] == pytest.approx(ordered[-1] / 1000, abs=0.0005)
    assert summary["mean"] == pytest.approx(sum(ordered) / len(ordered) / 1000, abs=0.001)


@given(_LATENCIES_US, _LATENCIES_US)
def test_merged_histograms_equal_one_of_all_values(first: list[int], second: list[int]) -> None:
    merged = _histogram(first)
    merged.add(_histogram(second))
    merged.add(LatencyHistogram())
    assert merged.summary_ms() == _histogram(first + second).summary_ms()
    assert merged.count == len(first) + len(second)


def test_empty_histogram_has_no_percentiles() -> None:
    assert set(LatencyHistogram().summary_ms().values()) == {None}


@pytest.mark.parametrize(
    ("percent", "count", "rank"), [(50, 1, 1), (50, 2, 1), (95, 20, 19), (95, 21, 20), (99.9, 1000, 999), (100, 7, 7)]
)
def test_rank_is_the_nearest(percent: float, count: int, rank: int) -> None:
    assert rank_at(percent, count) == rank


def test_latency_out_of_range_counts_as_the_nearer_end() -> None:
    summary = _histogram([-5, 10**12]).summary_ms()
    assert (summary["min"], summary["max"]) == (0.001, 3_600_000)
