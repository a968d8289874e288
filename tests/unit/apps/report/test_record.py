"""What run.json holds, and how the counts of a run are held against each other."""

from __future__ import annotations

from typing import Any

import pytest
from report.record import join
from report.schema import check
from support.run_load import Story
from support.run_parts import run_parts


def _record(parts: dict[str, Any]) -> dict[str, Any]:
    record = join("20260314T092653Z-demo", parts)
    check(record, "run.json")
    return record


def _rows(parts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["what"]: row for row in _record(parts)["reconciliation"]}


@pytest.mark.parametrize(
    "story", [Story(), Story(errors=True), Story(traces=False), Story(metrics=False), Story(seed=11)], ids=repr
)
def test_record_of_any_run_is_as_its_schema_wants(story: Story) -> None:
    assert _record(run_parts(story))["schema_version"] == 1


def test_record_holds_the_keys_others_rely_on() -> None:
    parts = run_parts()
    record = _record(parts)
    assert record["result"]["requests"] == parts["load"]["totals"]["requests"]
    assert record["result"]["requests_per_second"] == parts["load"]["totals"]["requests_per_second"]
    assert record["result"]["error_rate"] == 0
    assert {name: record["result"]["latency_ms"][name] for name in ("p50", "p95", "p99")} == {
        "p50": 4.1,
        "p95": 19.27,
        "p99": 33.62,
    }
    assert record["cache"] == parts["cache"]
    assert record["traces"]["count"] == parts["traces"]["count"]
    assert {(edge["source"], edge["target"]) for edge in record["service_graph"]["edges"]} >= {
        ("client", "ecommerce-frontend"),
        ("ecommerce-frontend", "ecommerce-backend"),
        ("ecommerce-backend", "redis"),
        ("ecommerce-backend", "postgresql"),
    }
    assert record["cost"]["this_test_usd"] == parts["cost"]["this_test_usd"]


def test_what_ansible_registers_beside_a_modules_answer_is_left_out() -> None:
    parts = run_parts()
    for name in ("metrics", "traces", "cost"):
        parts[name] |= {"changed": False, "failed": False}
    assert _record(parts) == _record(run_parts())


def test_traces_without_a_service_graph_give_an_empty_one() -> None:
    parts = run_parts(Story(traces=False))
    parts["traces"]["service_graph"] = None
    assert _record(parts)["service_graph"] == {"services": [], "edges": []}


def test_counts_that_agree_have_no_difference() -> None:
    assert {row["difference"] for row in _rows(run_parts()).values()} == {0}


def test_backend_is_expected_to_count_direct_requests_and_calls_of_pages() -> None:
    row = _rows(run_parts())["requests counted by the backend"]
    assert row["expected"] == 22_939 + 8_848
    assert row["explanation"].startswith("22,939 direct + 8,848 calls made by pages")


def test_requests_served_after_the_count_ended_are_explained_by_route() -> None:
    parts = run_parts()
    parts["counters"]["frontend"]["requests"] += 3
    parts["counters"]["frontend"]["routes"]["GET /products"] += 3
    row = _rows(parts)["requests counted by the frontend"]
    assert row["difference"] == 3
    assert "3 more were served" in row["explanation"]
    assert "GET /products +3" in row["explanation"]


def test_requests_that_never_arrived_are_explained_by_the_errors() -> None:
    parts = run_parts(Story(errors=True))
    parts["counters"]["backend"]["requests"] -= 40
    row = _rows(parts)["requests counted by the backend"]
    assert row["difference"] == -40
    assert "40 never arrived or were cut off: the load test reports 1,140 errors" in row["explanation"]


def test_segments_lost_on_the_way_are_counted() -> None:
    parts = run_parts()
    parts["counters"]["daemon"]["received"] -= 5
    parts["counters"]["daemon"]["sent"] -= 7
    parts["counters"]["daemon"]["dropped"] = 2
    rows = _rows(parts)
    assert rows["segments received by the daemon"]["difference"] == -5
    assert rows["segments stored by X-Ray"]["difference"] == -2
    assert "2 dropped" in rows["segments stored by X-Ray"]["explanation"]
    assert "7 requests left no segment" in rows["requests counted by the backend"]["explanation"]


def test_sampled_traces_are_not_taken_for_lost_ones() -> None:
    parts = run_parts()
    segments, daemon = parts["counters"]["segments"], parts["counters"]["daemon"]
    segments |= {"backend_sent": segments["backend_sent"] // 20, "frontend_sent": segments["frontend_sent"] // 20}
    daemon |= {"received": 1905, "sent": 1905}
    parts["traces"]["count"] = 1462
    rows = _rows(parts)
    assert rows["traces stored"]["expected"] is None
    assert rows["traces stored"]["difference"] is None
    assert "5.0 % of 38,107 requests were recorded" in rows["segments sent by both tiers"]["explanation"]
    assert rows["requests counted by the backend"]["expected"] is None


def test_a_few_requests_without_a_segment_are_a_difference_and_not_sampling() -> None:
    parts = run_parts()
    parts["counters"]["segments"]["frontend_sent"] -= 2
    parts["counters"]["daemon"] |= {"received": 38_105, "sent": 38_105}
    parts["traces"]["count"] -= 2
    rows = _rows(parts)
    assert rows["segments sent by both tiers"]["difference"] == -2
    assert "2 not recorded" in rows["segments sent by both tiers"]["explanation"]
    assert rows["traces stored"]["difference"] == -2
    assert "2 left none" in rows["traces stored"]["explanation"]


def test_counters_that_could_not_be_read_are_said_to_be_unknown() -> None:
    rows = _rows(run_parts(Story(traces=False)))
    assert rows["segments sent by both tiers"]["count"] is None
    assert "could not be read" in rows["segments received by the daemon"]["explanation"]


def test_an_incomplete_trace_count_is_a_lower_bound() -> None:
    parts = run_parts()
    parts["traces"] |= {"complete": False, "count": 1000}
    row = _rows(parts)["traces stored"]
    assert (row["count"], row["expected"]) == (1000, None)
    assert "at least this many" in row["explanation"]
