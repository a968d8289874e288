"""A trace's rows: names, commands, statements, failures, and bars that lie where the time went."""

from __future__ import annotations

from typing import Any

import pytest
from report.waterfall import Waterfall, build_waterfall
from support.run_load import STARTED_AT
from support.run_traces import slow_traces

TIERS = ["ecommerce-backend", "ecommerce-frontend"]


@pytest.fixture
def page() -> Waterfall:
    """A storefront page of two calls."""
    return build_waterfall(slow_traces(7, STARTED_AT.timestamp())[0], TIERS)


def _drawn(*parts: dict[str, Any], **root: Any) -> Waterfall:
    """A segment of 10 ms with these subsegments, each from its second to its third millisecond."""
    times = {"start_time": 1.002, "end_time": 1.003}
    below = [{"id": f"p{number}", "name": "part", **times, **part} for number, part in enumerate(parts)]
    segment = {"id": "s", "trace_id": "1-2", "name": "shop", "start_time": 1.0, "end_time": 1.01, "subsegments": below}
    return build_waterfall({"id": "1-2", "segments": [segment | root]}, ["shop"])


def test_both_tiers_are_joined_under_the_call_between_them(page: Waterfall) -> None:
    outline = [(row.name, row.kind, row.depth, row.detail, row.status) for row in page.rows[:4]]
    assert outline == [
        ("ecommerce-frontend", "tier", 0, "GET /products", 200),
        ("ecommerce-backend", "remote", 1, "GET /api/catalog/products", 200),
        ("ecommerce-backend", "tier", 2, "GET /api/catalog/products", 200),
        ("redis", "remote", 3, "GET (1 key)", None),
    ]
    assert page.tiers == ["ecommerce-frontend", "ecommerce-backend"]
    assert (page.title, page.status) == ("GET /products", 200)
    assert page.duration_ms == pytest.approx(146, abs=0.01)


def test_own_times_of_the_rows_add_up_to_the_page(page: Waterfall) -> None:
    assert sum(row.own_ms for row in page.rows) == pytest.approx(page.duration_ms)
    assert page.own_ms == pytest.approx(page.duration_ms)
    assert page.sums == "the trace's 146 ms"


def test_bars_lie_inside_the_axis_and_own_time_inside_its_bar(page: Waterfall) -> None:
    for row in page.rows:
        end = row.whole.left_percent + row.whole.width_percent
        assert 0 <= row.whole.left_percent < end <= 100
        for piece in row.own:
            assert row.whole.left_percent <= piece.left_percent
            assert piece.left_percent + piece.width_percent <= end + 0.16


def test_axis_is_marked_at_round_times(page: Waterfall) -> None:
    assert [tick.label for tick in page.ticks] == ["0 ms", "30 ms", "60 ms", "90 ms", "120 ms"]
    assert page.ticks[-1].percent == pytest.approx(100 * 120 / 146, abs=0.01)


def test_call_says_how_its_own_time_went(page: Waterfall) -> None:
    assert page.rows[1].note == "1.20 ms on the way there, 0.80 ms back"
    call = {"id": "call", "namespace": "remote"}
    early = {"id": "e", "trace_id": "1-2", "name": "other", "start_time": 1.0, "end_time": 1.0025, "parent_id": "call"}
    segment = _segment_of(call)
    [row] = [each for each in build_waterfall({"id": "1", "segments": [segment, early]}, []).rows if each.note]
    assert row.note == "the server's clock is another"


def _segment_of(call: dict[str, Any]) -> dict[str, Any]:
    times = {"name": "call", "start_time": 1.002, "end_time": 1.003}
    return {"id": "s", "trace_id": "1-2", "name": "shop", "start_time": 1.0, "end_time": 1.01} | {
        "subsegments": [times | call]
    }


@pytest.mark.parametrize(
    ("part", "detail"),
    [
        ({"metadata": {"redis": {"command": "GET", "keys": 1}}}, "GET (1 key)"),
        ({"metadata": {"redis": {"command": "PING", "keys": 0}}}, "PING"),
        (
            {"metadata": {"redis": {"command": "PIPELINE", "commands": 3, "keys": 2}}},
            "PIPELINE (3 commands, 2 keys)",
        ),
        ({"metadata": {"default": {"db.operation.name": "GET"}}}, "GET"),
        ({"metadata": {"default": {"db.query.text": "GET a"}}}, "GET a"),
        ({"sql": {"sanitized_query": "SELECT 1\n  FROM things"}}, "SELECT 1 FROM things"),
        ({"sql": {"sanitized_query": "SELECT 1"}, "metadata": {"sql": {"rows": 1}}}, "SELECT 1 (1 row)"),
        ({"sql": {"sanitized_query": "SELECT 1"}, "metadata": {"sql": {"rows": -1}}}, "SELECT 1"),
        ({"http": {"request": {"method": "GET", "url": "http://backend/a?b=c"}}}, "GET /a"),
        ({"http": None, "sql": [], "metadata": {"redis": "none"}, "annotations": 7}, ""),
    ],
)
def test_part_says_what_it_did(part: dict[str, Any], detail: str) -> None:
    assert _drawn(part).rows[1].detail == detail


def test_failures_are_told_where_they_are_and_where_they_pass_on() -> None:
    exception = {"id": "e1", "type": "OperationalError", "message": "connection refused"}
    failed = {"fault": True, "cause": {"exceptions": [exception]}}
    rows = _drawn(failed, {"error": True, "throttle": True}, fault=True, cause="e1").rows
    assert [(row.outcome, row.failure) for row in rows] == [
        ("fault", "OperationalError: connection refused"),
        ("fault", "OperationalError: connection refused"),
        ("throttle", ""),
    ]


def test_parts_side_by_side_are_said_to_be() -> None:
    drawn = _drawn({}, {"start_time": 1.0025, "end_time": 1.0045})
    assert drawn.sums == "the trace's 10.0 ms, and 0.50 ms in which calls ran side by side"
    assert drawn.own_ms == pytest.approx(10.5)


def test_many_parts_are_cut_off_and_counted_in_the_sum() -> None:
    many = [{"start_time": 1.0 + number / 100_000, "end_time": 1.000005 + number / 100_000} for number in range(400)]
    drawn = _drawn(*many)
    assert (len(drawn.rows), drawn.rows_left_out) == (200, 201)
    assert drawn.own_ms == pytest.approx(10)


def test_gaps_that_no_eye_could_see_are_one_piece() -> None:
    many = [{"start_time": 1.0 + number / 100_000, "end_time": 1.000005 + number / 100_000} for number in range(400)]
    assert len(_drawn(*many).rows[0].own) == 1


def test_part_that_has_not_ended_says_so() -> None:
    segment = {"id": "s", "trace_id": "1-2", "name": "shop", "start_time": 1.0, "in_progress": True, "http": None}
    drawn = build_waterfall({"id": "1-2", "segments": [segment]}, [])
    assert [(row.in_progress, row.own_ms) for row in drawn.rows] == [(True, 0)]
    assert [tick.label for tick in drawn.ticks] == ["0 ms"]


def test_trace_of_no_segments_is_empty() -> None:
    drawn = build_waterfall({"id": "1-2-3", "segments": []}, [])
    assert (drawn.rows, drawn.duration_ms, drawn.title) == ([], 0, "a trace without segments")
