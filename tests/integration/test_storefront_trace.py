"""One page of the storefront, from the browser's request to the report's drawing: every tier, and times that add up."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from report.record import join as join_record
from report.render import render_page
from report.trace_tree import join
from report.waterfall import Waterfall, build_waterfall, tiers_of
from support.localaws import localaws_server
from support.module_cycle import run_module
from support.report_pages import parse_page
from support.run_parts import run_parts
from support.traced_shop import traced_shop

ACCOUNT = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "test", "region": "eu-west-1"}
ROLE_DEFAULTS = Path(__file__).resolve().parents[2] / "roles" / "stress_test" / "defaults" / "main.yml"
SEGMENTS = 4  # the storefront's, and the backend's of its three calls: the goods, the categories, the popular terms
ARRIVAL_SECONDS = 30.0
CLOCK_SECONDS = 0.001


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, database_url: str, redis_url: str) -> dict[str, Any]:
    """What xray_trace_info reads of a call for the home page: the trace by its id, and by the role's filter."""
    folder = tmp_path_factory.mktemp("shop")
    trace_id = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    with localaws_server(folder) as endpoint, traced_shop(folder, endpoint, database_url, redis_url) as shop:
        assert shop.get("/", trace_id) == 200
        return _arrived(
            {
                **ACCOUNT,
                "endpoint_url": endpoint,
                "trace_ids": [trace_id],
                "start_time": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
                "filter_expression": yaml.safe_load(ROLE_DEFAULTS.read_text())["stress_test_example_filter"],
                "slowest": 1,
            }
        )


@pytest.fixture(scope="module")
def trace(read: dict[str, Any]) -> dict[str, Any]:
    return read["traces"][0]  # type: ignore[no-any-return]


def _arrived(options: dict[str, Any]) -> dict[str, Any]:
    """What the module says once all of the trace's segments are there."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        result = run_module("xray_trace_info", options)
        if result["traces"] and len(result["traces"][0]["segments"]) == SEGMENTS and result["slowest"]:
            return result
        assert time.monotonic() < deadline, f"of {SEGMENTS} segments there are {result}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def waterfall(trace: dict[str, Any]) -> Waterfall:
    return build_waterfall(trace, tiers_of([trace]))


def test_the_roles_filter_finds_it(read: dict[str, Any], trace: dict[str, Any]) -> None:
    [found] = read["slowest"]
    assert (found["id"], found["segments"]) == (trace["id"], trace["segments"])


def test_every_tier_redis_and_sql_are_drawn(waterfall: Waterfall) -> None:
    found = {(row.kind, row.name, row.depth) for row in waterfall.rows}
    assert found >= {
        ("tier", "ecommerce-frontend", 0),
        ("remote", "ecommerce-backend", 1),
        ("tier", "ecommerce-backend", 2),
        ("remote", "redis", 3),
        ("remote", "postgresql", 3),
    }
    assert (waterfall.title, waterfall.status) == ("GET /", 200)
    assert waterfall.tiers == ["ecommerce-frontend", "ecommerce-backend"]


def test_calls_are_named_by_command_statement_and_route(waterfall: Waterfall) -> None:
    details = {name: [row.detail for row in waterfall.rows if row.name == name] for name in ("redis", "postgresql")}
    assert any(detail.startswith("GET (") for detail in details["redis"])
    assert any(" FROM products" in detail for detail in details["postgresql"])
    assert all(details["postgresql"])
    served = [(row.detail, row.status) for row in waterfall.rows if row.kind == "tier" and row.depth]
    routes = ("/api/catalog/categories", "/api/catalog/products", "/api/search/popular")
    assert sorted(served) == [(f"GET {route}", 200) for route in routes]
    assert all("on the way there" in row.note for row in waterfall.rows if row.name == "ecommerce-backend" and row.note)


def test_own_times_add_up_to_the_whole_page(trace: dict[str, Any], waterfall: Waterfall) -> None:
    sums = join(trace["segments"]).sums
    counted_again_ms = 1000 * (sums.side_by_side + sums.outside)
    assert sum(row.own_ms for row in waterfall.rows) == pytest.approx(waterfall.duration_ms + counted_again_ms)
    assert sums.side_by_side > 0  # the page makes its calls at the same time
    assert sums.uncovered == 0  # under one root
    assert sums.outside <= CLOCK_SECONDS


def test_page_shows_the_trace_with_its_statements(trace: dict[str, Any]) -> None:
    parts = run_parts()
    parts["traces"]["slowest"] = [trace | {"duration_seconds": 0.1, "response_time_seconds": 0.1}]
    page = parse_page(render_page(join_record("20260314T092653Z-demo", parts)))
    drawn = page.by_id(f"trace-{trace['id']}").text
    assert all(
        text in drawn for text in ("ecommerce-frontend", "ecommerce-backend", "redis", "postgresql", "All own times")
    )
    assert " FROM products" in drawn
