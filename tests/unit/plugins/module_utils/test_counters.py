"""Prometheus text in, differences out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.counters import (
    REQUESTS,
    SENT,
    Sample,
    cache_counters,
    daemon_counters,
    increase,
    parse_prometheus,
    segment_counters,
    tier_counters,
    tier_reading,
    total,
)
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest

TEXT = """\
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/api/catalog/products/<id_or_slug>",status="200"} 7.0
http_requests_total{method="GET",route="/api/catalog/products/<id_or_slug>",status="404"} 2.0
http_requests_total{method="POST",route="/api/orders",status="201"} 1e2
http_requests_total{method="GET",route="/health",status="200"} 50.0
http_requests_total{method="GET",route="/metrics",status="200"} 51.0 1700000000000
http_request_duration_seconds_bucket{le="+Inf"} 160

tracing_segments_sent_total 109.0
tracing_segments_dropped_total 0.0
process_start_time_seconds NaN
"""


def test_reading_sums_status_and_leaves_out_who_watches() -> None:
    counted = tier_reading(parse_prometheus(TEXT))
    assert tier_counters(counted) == {
        "requests": 109,
        "routes": {"GET /api/catalog/products/<id_or_slug>": 9, "POST /api/orders": 100},
    }
    assert segment_counters("backend", counted) == {"backend_sent": 109, "backend_dropped": 0}


def test_tier_without_tracing_has_null_segments() -> None:
    assert segment_counters("frontend", {}) == {"frontend_sent": None, "frontend_dropped": None}


@given(st.text(st.characters(codec="utf-8")))
def test_labels_survive_the_clients_own_escaping(route: str) -> None:
    registry = CollectorRegistry()
    Counter("http_requests", "Requests.", ["method", "route"], registry=registry).labels("GET", route).inc(3)
    samples = list(parse_prometheus(generate_latest(registry).decode()))
    assert Sample("http_requests_total", {"method": "GET", "route": route}, 3.0) in samples


@pytest.mark.parametrize("text", ["<!doctype html>", "name{", "name value", "{} 1"])
def test_text_that_is_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no Prometheus text|could not convert"):
        list(parse_prometheus(text))


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        ({}, {"a": 3}, {"a": 3}),
        ({"a": 3}, {"a": 10}, {"a": 7}),
        ({"a": 10}, {"a": 3}, {"a": 3}),
        ({"gone": 4}, {}, {}),
    ],
)
def test_increase_of_a_process_that_may_have_restarted(
    before: dict[str, int], after: dict[str, int], counted: dict[str, int]
) -> None:
    keyed = ({(REQUESTS, name): value for name, value in side.items()} for side in (before, after))
    assert increase(*keyed) == {(REQUESTS, name): value for name, value in counted.items()}


def test_total_is_over_replicas() -> None:
    readings = [{(SENT, ""): 3, (REQUESTS, "GET /"): 1}, {(SENT, ""): 4}]
    assert total(readings) == {(SENT, ""): 7, (REQUESTS, "GET /"): 1}


def test_daemon_counts_are_differences_and_its_queue_is_not() -> None:
    before, after = {"sent": 10, "queued": 5}, {"sent": 25, "queued": 3, "dropped": 1}
    assert daemon_counters(before, after) == {"sent": 15, "queued": 3, "dropped": 1}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((10, 5), (109, 6), {"hits": 99, "misses": 1, "hit_rate": 0.99, "total": 100}),
        ((0, 0), (0, 0), {"hits": 0, "misses": 0, "hit_rate": 0.0, "total": 0}),
        ((100, 9), (3, 1), {"hits": 3, "misses": 1, "hit_rate": 0.75, "total": 4}),
    ],
)
def test_cache_rate_is_that_of_the_lookups_between(
    before: tuple[int, int], after: tuple[int, int], expected: dict[str, Any]
) -> None:
    first, last = ({"hits": hits, "misses": misses} for hits, misses in (before, after))
    assert cache_counters(first, last, "here") == {**expected, "source": "here"}
