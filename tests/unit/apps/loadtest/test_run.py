"""The generator as a program, against a shop that counts for itself."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, Protocol

import jsonschema
import psutil
import pytest
from support.fake_shop import Answer, FakeShop

_SCHEMA = json.loads((Path(__file__).resolve().parents[4] / "apps/loadtest/load.schema.json").read_text())
_BROKEN = b"\xff\xfe no UTF-8, and no JSON either"


class _Run(Protocol):
    status: int
    lines: list[dict[str, Any]]
    errors: str
    record: Any


def _assert_sums_agree(record: Any, shop: FakeShop) -> None:
    jsonschema.Draft202012Validator(_SCHEMA).validate(record)
    requests = shop.load_requests()
    assert record["totals"]["requests"] == requests > 0
    assert sum(route["requests"] for route in record["routes"]) == requests
    assert sum(second["requests"] for second in record["series"]) == requests
    errors = record["totals"]["errors"]
    assert sum(error["count"] for error in record["errors"]) == errors
    assert sum(route["errors"] for route in record["routes"]) == errors
    assert sum(second["errors"] for second in record["series"]) == errors


@pytest.mark.parametrize("workers", [1, 2])
def test_run_counts_what_the_shop_counts(generator: Any, shop: FakeShop, workers: int) -> None:
    run: _Run = generator.run("--workers", str(workers))
    assert (run.status, run.record["passed"], run.record["partial"]) == (0, True, False), run.errors
    _assert_sums_agree(run.record, shop)
    by_name = {route["name"]: route["requests"] for route in run.record["routes"]}
    assert by_name["/api/catalog/products"] == shop.requests["/api/catalog/products"]
    assert by_name["/products/<slug>"] == sum(shop.requests[f"/products/product-{number}"] for number in range(3))
    assert run.record["generator"]["processes"] == (1 if workers == 1 else 1 + workers)
    assert max(second["users"] for second in run.record["series"]) == 10


def test_run_logs_each_account_in_once(generator: Any, shop: FakeShop) -> None:
    run: _Run = generator.run()
    assert shop.requests["/api/auth/login"] == len(shop.users_of_tokens) == 4
    login = next(route for route in run.record["routes"] if route["name"] == "/api/auth/login")
    assert (login["requests"], login["method"], login["tier"]) == (4, "POST", "backend")


def test_run_bears_the_secret_on_every_request(generator: Any, shop: FakeShop) -> None:
    generator.run()
    health, load = shop.seen_headers[:2], shop.seen_headers[2:]
    assert {headers.get("X-Load-Test-Secret") for headers in load} == {"open sesame"}
    assert not any("X-Load-Test-Secret" in headers for headers in health)


@pytest.mark.parametrize("workers", [1, 2])
def test_ramp_from_and_to_nobody_cuts_nothing_off(generator: Any, shop: FakeShop, workers: int) -> None:
    generator.profile["stages"] = [{"duration_seconds": 2, "users": 8}, {"duration_seconds": 2, "users": 0}]
    run: _Run = generator.run("--workers", str(workers))
    assert (run.status, run.record["totals"]["errors"]) == (0, 0), run.errors
    _assert_sums_agree(run.record, shop)


def test_run_tells_its_progress_and_its_end(generator: Any, shop: FakeShop) -> None:
    generator.profile["stages"] = [{"duration_seconds": 0, "users": 3}, {"duration_seconds": 3, "users": 3}]
    run: _Run = generator.run()
    *progress, finished = run.lines
    assert finished == {"event": "finished", "passed": True, "output": str(generator.output)}
    assert set(progress[0]) == {
        *("event", "elapsed_seconds", "total_seconds", "users", "requests_per_second", "p95_ms", "errors", "requests")
    }
    assert (progress[0]["event"], progress[0]["users"], progress[0]["total_seconds"]) == ("progress", 3, 3)
    assert 0 < progress[0]["requests"] <= run.record["totals"]["requests"]


def test_run_measures_at_least_what_the_shop_delays(generator: Any, shop: FakeShop) -> None:
    shop.special["/api/search"] = Answer(body=b'{"success": true, "data": []}', delay_seconds=0.1)
    run: _Run = generator.run()
    search = next(route for route in run.record["routes"] if route["name"] == "/api/search")
    assert search["latency_ms"]["min"] >= 100
    slowest = run.record["slowest"]
    assert len(slowest) == 20
    assert slowest == sorted(slowest, key=lambda entry: -entry["latency_ms"])
    assert len({entry["trace_id"] for entry in slowest}) == 20


def test_run_fails_by_its_thresholds(generator: Any, shop: FakeShop) -> None:
    shop.special["/api/search"] = Answer(500, _BROKEN)
    shop.special["/api/catalog/categories"] = Answer(200, b'{"success": false}')
    shop.special["/"] = Answer(200, b"<html>half a pa")
    run: _Run = generator.run()
    assert (run.status, run.record["passed"]) == (3, False)
    _assert_sums_agree(run.record, shop)
    assert {(error["route"], error["kind"]) for error in run.record["errors"]} == {
        ("/api/search", "HTTP 500"),
        ("/api/catalog/categories", "not the answer asked for"),
        ("/", "not the answer asked for"),
    }
    assert all(error["trace_id"].startswith("1-") for error in run.record["errors"])
    assert {threshold["name"]: threshold["passed"] for threshold in run.record["thresholds"]} == {
        "error_rate": False,
        "p95_ms": True,
    }
    assert "threshold failed: error_rate" in run.errors


def test_run_sends_a_broken_request_once(generator: Any, shop: FakeShop) -> None:
    shop.special["/api/search"] = Answer(0)
    shop.special["/api/auth/login"] = Answer(0)
    shop.special["/products"] = Answer(delay_seconds=0.6)
    run: _Run = generator.run("--request-timeout-seconds", "0.3")
    _assert_sums_agree(run.record, shop)
    assert {(error["route"], error["kind"]) for error in run.record["errors"]} == {
        ("/api/search", "connection closed"),
        ("/api/auth/login", "connection closed"),
        ("/products", "timeout"),
    }


def test_run_counts_every_hop_of_a_redirect(generator: Any, shop: FakeShop) -> None:
    shop.special["/"] = Answer(302, headers={"Location": "/home"})
    shop.special["/products"] = Answer(302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    run: _Run = generator.run()
    _assert_sums_agree(run.record, shop)
    by_name = {route["name"]: route["requests"] for route in run.record["routes"]}
    assert by_name["/"] == shop.requests["/"] + shop.requests["/home"] == 2 * shop.requests["/home"]
    assert run.record["totals"]["errors"] == 0


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_interrupted_run_leaves_a_partial_record(
    generator: Any, shop: FakeShop, number: signal.Signals, workers: int
) -> None:
    generator.profile["stages"] = [{"duration_seconds": 0, "users": 5}, {"duration_seconds": 600, "users": 5}]
    process = generator.start("--workers", str(workers))
    process.stdout.readline()
    process.send_signal(number)
    run: _Run = generator.finish(process)
    assert (run.status, run.record["partial"], run.record["passed"]) == (130, True, False), run.errors
    _assert_sums_agree(run.record, shop)


def test_run_whose_reader_is_gone_ends_with_a_record(generator: Any, shop: FakeShop) -> None:
    generator.profile["stages"] = [{"duration_seconds": 0, "users": 2}, {"duration_seconds": 600, "users": 2}]
    process = generator.start()
    process.stdout.close()
    assert process.wait(timeout=60) == 130
    process.stderr.close()
    _assert_sums_agree(json.loads(generator.output.read_text()), shop)


def test_run_that_loses_a_worker_is_no_result(generator: Any, shop: FakeShop) -> None:
    generator.profile["stages"] = [{"duration_seconds": 0, "users": 4}, {"duration_seconds": 600, "users": 4}]
    process = generator.start("--workers", "2")
    process.stdout.readline()
    psutil.Process(process.pid).children()[0].kill()
    run: _Run = generator.finish(process)
    assert (run.status, run.record["partial"], run.record["passed"]) == (1, True, False)
    assert "ended with -9" in run.errors


@pytest.mark.parametrize("workers", [1, 2])
def test_run_makes_no_more_requests_than_it_may(generator: Any, shop: FakeShop, workers: int) -> None:
    run: _Run = generator.run("--max-requests", "25", "--workers", str(workers))
    assert (run.status, run.record["partial"]) == (3, True)
    assert shop.load_requests() == run.record["totals"]["requests"] == 25
    assert "--max-requests" in run.errors
