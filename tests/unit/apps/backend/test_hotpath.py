"""The hot path: what it answers is what the routes answer, and it is limited, counted and traced as they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from backend.settings import Limit
from backend.views.common import shop_of
from flask import Flask
from redis import Redis
from support.segments import SegmentReceiver
from support.waiting import eventually
from tracing import TracingSettings
from werkzeug.test import TestResponse

OpenApp = Callable[..., Flask]
LONG = 10_000_000
PUBLIC = [
    "/api/catalog/categories",
    "/api/catalog/categories/lighting",
    "/api/catalog/products",
    "/api/catalog/products?category=living&sort=price_asc&min_price=20&featured=true&limit=3&page=2",
    "/api/catalog/products/halo-paper-lamp",
    "/api/search?q=lamp",
    "/api/search/suggest?q=ti",
    "/api/search/popular",
]
ODD = [
    "/api/catalog/categories?",
    "/api/catalog/categories/",
    "/api/catalog/categories?unknown=1&unknown=2",
    "/api/catalog/products?page=1&page=2",
    "/api/catalog/products?page=&limit=",
    "/api/catalog/products?limit=%31",
    "/api/search?q=LAMP",
    "/api/search?q=%C3%B6l",
    "/api/search?q=%ff",
    "/api/search?q=lamp;x=1",
    "/api/search?q=a+b%2B%26",
    "/api/search?q=%F0%9F%8E%81&q=2",
]
REFUSED = [
    "/api/catalog/products/no-such-thing",
    "/api/catalog/products?page=0",
    "/api/catalog/products?page=%00",
    "/api/catalog/products%3Fpage=1",
    "/api//catalog/products",
    "/api/search",
    "/api/search?q=%00",
    "/api/search/suggest",
    "/api/auth/me",
    "/no/such/path",
]


def _told(answer: TestResponse) -> tuple[Any, ...]:
    """All of an answer but when it was given."""
    return answer.status, [pair for pair in answer.headers if pair[0] != "Retry-After"], answer.data


def _lookups(redis: Redis) -> int:
    """How many commands have asked Redis for an answer."""
    return int(redis.info("commandstats").get("cmdstat_get", {"calls": 0})["calls"])


def _kept(app: Flask) -> int:
    return shop_of(app).hot.size[0]


def _changes(app: Flask) -> int:
    promise = shop_of(app).hot.promise(b"any")
    assert promise is not None
    return promise.changes


def _warmed(app: Flask, target: str, headers: dict[str, str] | None = None) -> list[TestResponse]:
    """A miss and a hit, after which the answer is kept: what the miss has stored is an invalidation too."""
    before, client = _changes(app), app.test_client()
    miss = client.get(target, headers=headers)
    eventually(lambda: _changes(app) > before)
    return [miss, client.get(target, headers=headers)]


@pytest.mark.parametrize("target", PUBLIC + ODD)
def test_it_answers_with_what_the_route_answers_without_asking_redis(
    open_app: OpenApp, open_hot_app: OpenApp, redis: Redis, target: str
) -> None:
    app = open_hot_app()
    miss, hit = _warmed(app, target)
    before = _lookups(redis)
    hot = app.test_client().get(target)
    assert _lookups(redis) == before
    routed = open_app().test_client().get(target)
    assert [answer.headers["X-Cache"] for answer in (miss, hit, hot)] == ["miss", "hit", "hit"]
    assert _told(hot) == _told(hit) == _told(routed)
    assert miss.data == hot.data


@pytest.mark.parametrize("target", REFUSED)
def test_what_is_refused_is_refused_again(open_app: OpenApp, open_hot_app: OpenApp, target: str) -> None:
    app = open_hot_app()
    client = app.test_client()
    for same in (target.replace("%3F", "?"), *[target] * 3):
        client.get(same)
    kept = _kept(app)
    refused = client.get(target)
    assert refused.status_code >= 400
    assert _told(refused) == _told(open_app().test_client().get(target))
    assert _kept(app) == kept <= 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nobody"},
        {"If-None-Match": "*", "If-Modified-Since": "Wed, 25 Nov 2026 00:00:00 GMT"},
        {"Range": "bytes=0-3"},
        {"Accept": "text/html", "Accept-Encoding": "gzip"},
        {"Host": "shop.example:4000"},
        {"Host": "two..dots"},
        {"Host": "a" * 64 + ".example"},
        {"Host": "nothing:99999"},
        {"Connection": "Upgrade", "Upgrade": "websocket"},
        {"Cookie": "session=x", "Origin": "http://elsewhere"},
        {"X-HTTP-Method-Override": "DELETE", "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "elsewhere"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE"])
def test_methods_and_headers_make_the_difference_that_they_make_to_the_route(
    open_app: OpenApp, open_hot_app: OpenApp, method: str, headers: dict[str, str]
) -> None:
    hot = open_hot_app()
    _warmed(hot, "/api/search/popular")
    assert _kept(hot) == 1
    answers = [
        app.test_client().open("/api/search/popular", method=method, headers=headers) for app in (hot, open_app())
    ]
    assert _told(answers[0]) == _told(answers[1])


def test_hosts_are_remembered_in_bounds(open_hot_app: OpenApp, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.hotpath._HOSTS", 2)
    app = open_hot_app()
    _warmed(app, "/api/search/popular")
    hosts = ["first", "second", "third", "third", "first"]
    asked = [_lookups(redis)]
    for host in hosts:
        answer = app.test_client().get("/api/search/popular", headers={"Host": host})
        assert answer.headers["X-Cache"] == "hit"
        asked.append(_lookups(redis))
    assert [after - before for before, after in pairwise(asked)] == [1, 1, 1, 0, 1]


def test_what_belongs_to_a_user_is_never_kept(open_hot_app: OpenApp, log_in: Callable[[str], dict[str, str]]) -> None:
    app = open_hot_app()
    client = app.test_client()
    for name in ("ada", "bob", "ada", "bob"):
        answer = client.get("/api/auth/me", headers=log_in(name))
        assert answer.get_json()["data"]["name"] == name
    assert _kept(app) == 0
    assert client.get("/api/auth/me").status_code == 401


def test_hits_count_against_the_limit_over_all_processes(open_hot_app: OpenApp) -> None:
    clients = [open_hot_app(rate_limits=True, general_limit=Limit(7, LONG)).test_client() for _unused in range(2)]
    statuses = [client.get("/api/search/popular").status_code for client in clients for _unused in range(5)]
    assert statuses == [200] * 7 + [429] * 3
    assert clients[0].get("/api/search/popular").status_code == 429


def test_refusal_over_the_limit_is_the_routes(open_app: OpenApp, open_hot_app: OpenApp) -> None:
    limited = {"rate_limits": True, "general_limit": Limit(3, LONG)}
    hot, routed = open_hot_app(**limited).test_client(), open_app(**limited).test_client()
    for _unused in range(3):
        assert hot.get("/api/search/popular").status_code == 200
    refused = [client.get("/api/search/popular") for client in (hot, routed)]
    assert refused[0].status_code == 429
    assert _told(refused[0]) == _told(refused[1])
    assert 0 < int(refused[0].headers["Retry-After"]) <= LONG


def test_the_load_tests_secret_lets_hits_pass(open_hot_app: OpenApp, seeded_settings: Any, redis: Redis) -> None:
    client = open_hot_app(rate_limits=True, general_limit=Limit(1, LONG)).test_client()
    bearing = {"X-Load-Test-Secret": seeded_settings.loadtest_secret}
    assert {client.get("/api/search/popular", headers=bearing).status_code for _unused in range(5)} == {200}
    assert redis.keys("limit:*") == []
    wrong = [{"X-Load-Test-Secret": value} for value in ("another", "\xe4" * 25)]
    assert [client.get("/api/search/popular", headers=headers).status_code for headers in wrong] == [200, 429]


def test_every_get_is_counted_once_over_all_processes(open_app: OpenApp, open_hot_app: OpenApp) -> None:
    apps = [open_hot_app(), open_hot_app(), open_app()]
    for app in apps:
        for target in ("/api/search/popular", "/api/catalog/categories", "/api/search"):
            for _unused in range(4):
                app.test_client().get(target)
    for app in apps:
        shop_of(app).counters.flush()
    counts = apps[0].test_client().get("/metrics/cache").get_json()
    assert (counts["misses"], counts["hits"], counts["total"]) == (2, 22, 24)


def test_hit_is_traced_with_its_route_and_without_redis(open_hot_app: OpenApp, receiver: SegmentReceiver) -> None:
    tracing = TracingSettings("ecommerce-backend", udp_address=receiver.address, trust_incoming_sampled=True)
    app = open_hot_app(tracing=tracing)
    root = "1-5759e988-bd862e3fe1be46a994272793"
    sampled = {"X-Amzn-Trace-Id": f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1"}
    target = "/api/catalog/products/halo-paper-lamp?x=1"
    answers = [*_warmed(app, target, sampled), app.test_client().get(target, headers=sampled)]
    segments = receiver.pending()
    assert [[part["name"] for part in segment.get("subsegments", [])] for segment in segments[1:]] == [["redis"], []]
    assert segments[2]["annotations"] == segments[1]["annotations"]
    assert segments[2]["annotations"]["http_route"] == "/api/catalog/products/<key>"
    assert segments[2]["http"] == segments[1]["http"]
    assert _told(answers[2]) == _told(answers[1])
    assert answers[2].headers["X-Amzn-Trace-Id"] == f"Root={root};Sampled=1"


def test_hit_is_counted_with_its_route_and_its_bytes(open_app: OpenApp, open_hot_app: OpenApp) -> None:
    target = "/api/catalog/products/halo-paper-lamp?x=1"
    hot, routed = open_hot_app(), open_app()
    _warmed(hot, target)
    counted = []
    for app in (hot, routed):
        before = _counted(app)
        for _unused in range(3):
            app.test_client().get(target)
        counted.append(_counted(app) - before)
    assert counted[0] == counted[1]
    assert counted[0]['http_requests_total{method="GET",route="/api/catalog/products/<key>",status="200"}'] == 3


def _counted(app: Flask) -> Counter[str]:
    lines = app.extensions["metrics"].exposition().decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if re.match("http_(requests|network).*_total", line)]
    return Counter({name: int(float(value)) for name, value in pairs})


def test_memory_stays_in_its_bound_under_many_queries(open_hot_app: OpenApp) -> None:
    app = open_hot_app(hot_cache_bytes=200_000)
    client = app.test_client()
    client.get("/api/catalog/products")
    for number in range(200):
        client.get(f"/api/catalog/products?x={number}")
    count, size = shop_of(app).hot.size
    assert 5 < count < 200
    assert size <= 200_000


def test_without_invalidations_and_with_no_bytes_nothing_is_kept(open_app: OpenApp, open_hot_app: OpenApp) -> None:
    for app in (open_app(), open_hot_app(hot_cache_bytes=0)):
        answers = [app.test_client().get("/api/search/popular") for _unused in range(3)]
        assert {answer.status_code for answer in answers} == {200}
        assert _kept(app) == 0
