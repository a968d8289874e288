"""Summaries as a stream: what is counted and kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trace_tallies import (
    PERCENTILES,
    histogram_bin,
    percentiles,
    readable_http,
    tally,
    trace_of,
)
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def summary(number: int, seconds: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"Id": f"1-697dcd08-{number:024x}", "ResponseTime": seconds, "Duration": seconds, **more}


SUMMARIES = st.lists(
    st.builds(
        summary,
        st.integers(0, 30),
        st.floats(0, 60, allow_nan=False),
        HasFault=st.booleans(),
        HasError=st.booleans(),
        HasThrottle=st.booleans(),
        IsPartial=st.booleans(),
    ),
    max_size=60,
)


@given(SUMMARIES, st.integers(0, 5))
def test_tally_counts_each_trace_once_and_keeps_the_slowest(found: list[dict[str, Any]], size: int) -> None:
    once = list({entry["Id"]: entry for entry in reversed(found)}.values())
    result = tally(found, slowest=size)
    assert result.count == len(once)
    assert result.faults == sum(entry["HasFault"] for entry in once)
    assert result.errors == sum(entry["HasError"] for entry in once)
    assert result.throttles == sum(entry["HasThrottle"] for entry in once)
    assert result.partial == sum(entry["IsPartial"] for entry in once)
    assert result.histogram.total() == len(once)
    slowest = sorted((entry["ResponseTime"] for entry in once), reverse=True)[:size]
    assert [entry["ResponseTime"] for entry in result.slowest] == slowest


def test_newest_go_by_start_and_without_one_by_id() -> None:
    timed = [summary(number, StartTime=START + timedelta(seconds=number)) for number in (2, 1, 3)]
    older = {"Id": "1-00000001-000000000000000000000009", "Duration": 1.0}
    newest = tally([older, *timed], newest=4).newest
    assert [entry["Id"][-1] for entry in newest] == ["3", "2", "1", "9"]


def test_sixty_thousand_summaries_stay_small() -> None:
    def stream() -> Iterator[dict[str, Any]]:
        for number in range(60_000):
            yield summary(number, number / 1000, Annotations={"http_url": [{"AnnotationValue": "x" * 200}]})

    tracemalloc.start()
    result = tally(stream(), slowest=10, newest=10)
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (result.count, len(result.slowest)) == (60_000, 10)
    assert peak_bytes < 20_000_000


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, 0.0), (0.0123, 0.012), (0.0126, 0.013), (12.34, 12.0), (263, 260)]
)
def test_histogram_bin_has_two_digits(seconds: float, shown: float) -> None:
    assert histogram_bin(seconds) == shown


def test_http_leaves_out_what_is_unknown() -> None:
    assert readable_http({"HttpMethod": "GET", "HttpStatus": 200}) == {"http_method": "GET", "http_status": 200}


@given(SUMMARIES, st.randoms(use_true_random=False))
def test_tally_does_not_hang_on_the_order_or_on_duplicates(found: list[dict[str, Any]], random: Random) -> None:
    once = list({entry["Id"]: entry for entry in found}.values())
    mixed = once + random.sample(once, len(once) // 2)
    random.shuffle(mixed)
    one, other = tally(once, 3, 3), tally(mixed, 3, 3)
    for name in ("count", "faults", "errors", "throttles", "partial", "histogram", "slowest", "newest"):
        assert getattr(one, name) == getattr(other, name), name
    assert percentiles(one.seconds) == percentiles(other.seconds)


@given(st.integers(0, 40), st.integers(1, 30))
def test_reading_stops_at_the_most(there: int, most: int) -> None:
    read: list[int] = []

    def stream() -> Iterator[dict[str, Any]]:
        for number in range(there):
            read.append(number)
            yield summary(number)

    result = tally(stream(), newest=3, most=most)
    assert (result.count, result.truncated) == (min(there, most), there > most)
    assert len(read) == min(there, most + 1)


@given(st.lists(st.integers(0, 1000).map(float), min_size=1, max_size=300))
def test_percentile_is_the_smallest_that_enough_do_not_exceed(values: list[float]) -> None:
    found = percentiles(values)
    for name, percent in PERCENTILES.items():
        enough = [one for one in values if 100 * sum(other <= one for other in values) >= percent * len(values)]
        assert found[name] == min(enough)


def test_nothing_has_no_percentile() -> None:
    assert set(percentiles([]).values()) == {None}


def test_a_trace_known_by_its_documents_alone_has_times_and_request() -> None:
    root = {
        "id": "a",
        "parent_id": "browser",
        "start_time": 10.0,
        "end_time": 10.25,
        "http": {"request": {"method": "GET", "url": "http://shop/"}, "response": {"status": 200}},
        "subsegments": [{"id": "c", "start_time": 10.1, "end_time": 10.2, "subsegments": [{"id": "d"}]}],
    }
    late = {"id": "b", "parent_id": "d", "start_time": 10.1, "end_time": 10.5}
    trace = trace_of("1-0", [root, late])
    assert (trace["duration_seconds"], trace["response_time_seconds"]) == (0.5, 0.25)
    assert trace["http"] == {"http_method": "GET", "http_url": "http://shop/", "http_status": 200}
    assert trace["segments"] == [root, late]


def test_a_trace_that_has_not_ended_has_no_times() -> None:
    trace = trace_of("1-0", [{"id": "a", "start_time": 10.0, "in_progress": True}])
    assert (trace["duration_seconds"], trace["response_time_seconds"], trace["http"]) == (0.0, 0.0, {})
