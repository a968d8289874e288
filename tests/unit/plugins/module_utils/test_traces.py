"""Summaries as a stream: what is counted and kept."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.traces import (
    XRay,
    histogram_bin,
    readable_http,
    settled,
    tally,
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


@pytest.mark.parametrize(
    ("before", "now", "expected", "over"),
    [
        (None, 5, None, False),
        (4, 5, None, False),
        (5, 5, None, True),
        (0, 0, None, False),
        (None, 5, 5, True),
        (5, 5, 6, False),
    ],
)
def test_waiting_is_over(before: int | None, now: int, expected: int | None, over: bool) -> None:
    previous = None if before is None else tally(map(summary, range(before)))
    assert settled(previous, tally(map(summary, range(now))), expected) is over


def test_traces_still_being_put_together_are_waited_for() -> None:
    partial = tally([summary(1, IsPartial=True)])
    assert not settled(partial, partial, 1)


def test_http_leaves_out_what_is_unknown() -> None:
    assert readable_http({"HttpMethod": "GET", "HttpStatus": 200}) == {"http_method": "GET", "http_status": 200}


class _PagedClient:
    """X-Ray's side of three pages, each asked for with the token before."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def get_trace_summaries(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        assert aws_retry
        self.asked.append(parameters)
        page = int(parameters.get("NextToken", "0"))
        token = {"NextToken": str(page + 1)} if page < 2 else {}
        return {"TraceSummaries": [summary(3 * page + position) for position in range(3)], **token}

    def batch_get_traces(self, aws_retry: bool, **parameters: Any) -> dict[str, Any]:
        self.asked.append(parameters)
        late = '{"id": "b", "start_time": 2.0}'
        early = '{"id": "a", "start_time": 1.0}'
        first = "NextToken" not in parameters
        traces = [{"Id": name, "Segments": [{"Document": late if first else early}]} for name in parameters["TraceIds"]]
        return {"Traces": traces, **({"NextToken": "1"} if first else {})}


def test_pages_and_windows_are_walked_with_the_same_question() -> None:
    client = _PagedClient()
    found = list(XRay(client).summaries(START, START + timedelta(hours=7), "fault = true"))
    assert len(found) == 18
    assert [asked.get("NextToken") for asked in client.asked] == [None, "1", "2"] * 2
    assert {asked["FilterExpression"] for asked in client.asked} == {"fault = true"}
    assert {asked["StartTime"] for asked in client.asked} == {START, START + timedelta(hours=6)}


def test_whole_traces_come_five_ids_a_call_and_join_over_pages() -> None:
    client = _PagedClient()
    documents = XRay(client).documents([f"trace-{number}" for number in range(7)])
    assert [len(asked["TraceIds"]) for asked in client.asked] == [5, 5, 2, 2]
    assert documents["trace-6"] == [{"id": "a", "start_time": 1.0}, {"id": "b", "start_time": 2.0}]
