"""Counters read over HTTP from servers that are right, wrong, slow or not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils import readings
from ansible_collections.deepobs.eks.plugins.module_utils.counters import REQUESTS, SENT
from ansible_collections.deepobs.eks.plugins.module_utils.readings import (
    ReadingError,
    Snapshot,
    Sources,
    cache_between,
    counters_between,
    is_settled,
    read_settled,
    read_snapshot,
    read_text,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from support.fake_shop import Answer, FakeShop, running_shop

METRICS = """\
http_requests_total{method="GET",route="/api/catalog/products",status="200"} 7.0
tracing_segments_sent_total 7.0
"""


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    """Both tiers and the daemon at one address, with counters that do not change by themselves."""
    with running_shop() as shop:
        shop.special = {
            "/metrics": Answer(body=METRICS.encode()),
            "/metrics/cache": Answer(body=b'{"hits": 5, "misses": 2, "hitRate": 71.4, "total": 7}'),
            "/stats": Answer(body=b'{"received": 14, "sent": 14, "queued": 0, "listening": true}'),
        }
        yield shop


def sources(shop: FakeShop, **changes: Any) -> Sources:
    urls: dict[str, Any] = {
        "backend_metrics_urls": (f"{shop.url}/metrics",),
        "frontend_metrics_urls": (f"{shop.url}/metrics",),
        "cache_url": f"{shop.url}/metrics/cache",
        "daemon_url": f"{shop.url}/",
    }
    return Sources(**{**urls, **changes})


def snapshot(backend: dict[str, int], segments: int | None = None, **daemon: int) -> Snapshot:
    """One backend replica for each entry, with its requests, `segments` sent by replica a; a frontend without."""
    tier = {url: {(REQUESTS, "GET /"): requests} for url, requests in backend.items()}
    if segments is not None:
        tier["a"][SENT, ""] = segments
    return Snapshot(tier, {"f": {}}, {"hits": backend["a"], "misses": 0}, daemon or None)


def test_snapshot_holds_what_was_counted_by_address(shop: FakeShop) -> None:
    url = f"{shop.url}/metrics"
    counted = {(REQUESTS, "GET /api/catalog/products"): 7, (SENT, ""): 7}
    daemon = {"received": 14, "sent": 14, "queued": 0}
    assert read_snapshot(sources(shop)) == Snapshot({url: counted}, {url: counted}, {"hits": 5, "misses": 2}, daemon)


def test_snapshot_without_a_daemon_has_none(shop: FakeShop) -> None:
    assert read_snapshot(sources(shop, daemon_url=None)).daemon is None
    assert shop.requests["/stats"] == 0


def test_loopback_is_reached_past_a_proxy(shop: FakeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert read_text("backend_metrics_urls", f"{shop.url}/metrics") == METRICS


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/metrics", "refused"),
        ("nonsense", "unknown url type"),
        ("http://[::1/metrics", "Invalid IPv6 URL"),
    ],
)
def test_address_that_nothing_answers_at_is_named(url: str, reason: str) -> None:
    with pytest.raises(ReadingError, match=reason) as caught:
        read_text("daemon_url", url)
    assert str(caught.value).startswith(f"daemon_url: {url} does not answer (")
    assert str(caught.value).endswith("; start it, or correct daemon_url")


@pytest.mark.parametrize("answer", [Answer(404), Answer(503), Answer(0)], ids=["404", "503", "none"])
def test_answer_of_a_failing_server_is_no_reading(shop: FakeShop, answer: Answer) -> None:
    shop.special["/metrics"] = answer
    with pytest.raises(ReadingError, match=r"^frontend_metrics_urls: http://.*/metrics does not answer"):
        read_text("frontend_metrics_urls", f"{shop.url}/metrics")


def test_answer_that_is_cut_off_is_no_reading(shop: FakeShop) -> None:
    shop.special["/metrics"] = Answer(body=b"half of it", headers={"Content-Length": "100", "Connection": "close"})
    with pytest.raises(ReadingError, match="does not answer"):
        read_text("frontend_metrics_urls", f"{shop.url}/metrics")


def test_server_that_is_too_slow_does_not_answer(shop: FakeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "ANSWER_SECONDS", 0.1)
    shop.special["/metrics"] = Answer(body=b"late", delay_seconds=0.5)
    with pytest.raises(ReadingError, match="timed out"):
        read_text("frontend_metrics_urls", f"{shop.url}/metrics")


WRONG: dict[str, tuple[str, bytes, str]] = {
    "a page of metrics": ("/metrics", b"<!doctype html>", "backend_metrics_urls: .* answers with no Prometheus text"),
    "a counter without end": ("/metrics", b"http_requests_total +Inf", "backend_metrics_urls: .* answers with cannot"),
    "no counter": ("/metrics", b"http_requests_total NaN", "backend_metrics_urls: .* answers with cannot"),
    "no JSON": ("/metrics/cache", b"<!doctype html>", "backend_url: .* answers with no JSON; correct backend_url"),
    "a list": ("/stats", b"[1, 2]", "daemon_url: .*/stats answers with no JSON object; correct daemon_url"),
    "no misses": ("/metrics/cache", b'{"hits": 1}', "backend_url: .* tells no hits and misses"),
    "a yes for a number": ("/metrics/cache", b'{"hits": 1, "misses": true}', "tells no hits and misses"),
}


@pytest.mark.parametrize(("path", "body", "message"), WRONG.values(), ids=WRONG)
def test_server_of_another_kind_is_named_with_its_option(shop: FakeShop, path: str, body: bytes, message: str) -> None:
    shop.special[path] = Answer(body=body)
    with pytest.raises(ReadingError, match=message):
        read_snapshot(sources(shop))


def queue_of(shop: FakeShop, *lengths: int) -> Stopwatch:
    """A clock that only sleeping moves; each sleep makes the daemon's queue the next length."""
    seconds, rest = 0.0, iter(lengths)

    def show(length: int) -> None:
        shop.special["/stats"] = Answer(body=json.dumps({"sent": 9, "queued": length}).encode())

    def sleep(duration_seconds: float) -> None:
        nonlocal seconds
        seconds += duration_seconds
        show(next(rest))

    show(next(rest))
    return Stopwatch(lambda: seconds, sleep)


def test_counters_are_settled_once_they_agree_and_the_queue_is_empty(shop: FakeShop) -> None:
    watch = queue_of(shop, 3, 3, 1, 0, 0)
    after, settled = read_settled(sources(shop), 15, watch)
    assert (after.daemon, settled) == ({"sent": 9, "queued": 0}, True)
    assert (shop.requests["/stats"], watch.clock()) == (5, 2.0)


def test_counters_that_do_not_settle_are_told_as_they_are(shop: FakeShop) -> None:
    after, settled = read_settled(sources(shop), 1, queue_of(shop, 3, 2, 1, 0, 0))
    assert (after.daemon, settled) == ({"sent": 9, "queued": 1}, False)


ONE = snapshot({"a": 1}, segments=1, queued=0)


@pytest.mark.parametrize(
    ("previous", "current", "settled"),
    [
        (None, ONE, False),
        (ONE, ONE, True),
        (snapshot({"a": 1}), snapshot({"a": 1}), True),
        (ONE, snapshot({"a": 2}, segments=1, queued=0), False),
        (snapshot({"a": 1}, queued=2), snapshot({"a": 1}, queued=2), False),
    ],
    ids=["first", "same", "without a daemon", "counting", "queued"],
)
def test_settled_is_same_and_nothing_queued(previous: Snapshot | None, current: Snapshot, settled: bool) -> None:
    assert is_settled(previous, current) is settled


def test_counters_between_are_summed_over_replicas_also_new_ones() -> None:
    before = snapshot({"a": 10}, segments=100, sent=5)
    after = snapshot({"a": 13, "b": 4}, segments=120, sent=9)
    assert counters_between(before, after) == {
        "backend": {"requests": 7, "routes": {"GET /": 7}},
        "frontend": {"requests": 0, "routes": {}},
        "daemon": {"sent": 4},
        "segments": {
            "backend_sent": 20,
            "backend_dropped": None,
            "frontend_sent": None,
            "frontend_dropped": None,
        },
    }


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [({}, {}, None), ({}, {"sent": 3}, {"sent": 3}), ({"sent": 2}, {"sent": 3}, {"sent": 1})],
)
def test_daemon_counts_are_null_without_a_daemon(
    before: dict[str, int], after: dict[str, int], counted: dict[str, int] | None
) -> None:
    counters = counters_between(snapshot({"a": 1}, **before), snapshot({"a": 1}, **after))
    assert counters["daemon"] == counted


def test_cache_between_tells_where_it_is_from(shop: FakeShop) -> None:
    assert cache_between(snapshot({"a": 1}), snapshot({"a": 5}), sources(shop)) == {
        "hits": 4,
        "misses": 0,
        "hit_rate": 1.0,
        "total": 4,
        "source": f"{shop.url}/metrics/cache, all processes, after minus before",
    }
