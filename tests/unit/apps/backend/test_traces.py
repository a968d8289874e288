"""The backend's traces as a daemon receives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from backend.views.common import shop_of
from flask import Flask
from flask.testing import FlaskClient
from support.segments import SegmentReceiver
from support.servers import free_port
from tracing import TracingSettings

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
SAMPLED = {"X-Amzn-Trace-Id": f"Root={ROOT};Parent={PARENT};Sampled=1"}


@pytest.fixture
def traced(open_app: Callable[..., Flask], receiver: SegmentReceiver) -> Callable[..., FlaskClient]:
    """Opens a traced app with changes."""
    tracing = TracingSettings("ecommerce-backend", udp_address=receiver.address, trust_incoming_sampled=True)
    return lambda **changes: open_app(tracing=tracing, **changes).test_client()


def _parts(segment: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (part["name"], part["metadata"]["redis"]["command"] if part["name"] == "redis" else part["name"])
        for part in segment["subsegments"]
    ]


def test_miss_shows_redis_and_postgresql_then_hit_shows_redis_alone(
    traced: Callable[..., FlaskClient], receiver: SegmentReceiver
) -> None:
    client = traced()
    for _unused in range(2):
        client.get("/api/catalog/products/halo-paper-lamp?x=1", headers=SAMPLED)
    miss, hit = receiver.pending()
    assert _parts(miss)[0] == ("redis", "GET")
    assert {"redis", "postgresql"} == {name for name, _unused in _parts(miss)}
    assert _parts(hit) == [("redis", "GET")]
    assert {part["namespace"] for part in miss["subsegments"]} == {"remote"}
    assert (hit["name"], hit["trace_id"], hit["parent_id"]) == ("ecommerce-backend", ROOT, PARENT)
    assert hit["annotations"] == {
        "http_method": "GET",
        "http_url": "/api/catalog/products/halo-paper-lamp",
        "http_route": "/api/catalog/products/<key>",
        "http_status": 200,
    }


def test_first_miss_after_the_start_shows_no_fault_of_a_script_that_redis_does_not_know(
    open_app: Callable[..., Flask], receiver: SegmentReceiver
) -> None:
    tracing = TracingSettings("ecommerce-backend", udp_address=receiver.address, trust_incoming_sampled=True)
    app = open_app(tracing=tracing)
    shop_of(app).gate.client.script_flush()
    shop_of(app).prepare()
    app.test_client().get("/api/catalog/products/halo-paper-lamp", headers=SAMPLED)
    assert [part for part in receiver.next()["subsegments"] if part.get("fault") or part.get("error")] == []


def test_statements_hold_no_values(traced: Callable[..., FlaskClient], receiver: SegmentReceiver) -> None:
    traced().post("/api/auth/login", json={"email": "ada@example.com", "password": "ada-password"}, headers=SAMPLED)
    segment = receiver.next()
    statements = [part["sql"]["sanitized_query"] for part in segment["subsegments"] if "sql" in part]
    assert any("FROM users" in statement for statement in statements)
    assert not [secret for secret in ("ada@", "ada-password") if secret in str(segment)]


def test_error_names_its_trace(traced: Callable[..., FlaskClient], receiver: SegmentReceiver) -> None:
    answer = traced().get("/api/catalog/products/no-such-thing", headers=SAMPLED)
    assert answer.get_json()["error"]["trace_id"] == ROOT
    assert (receiver.next()["error"], answer.status_code) == (True, 404)


def test_database_that_is_gone_is_a_fault_with_its_exception(
    traced: Callable[..., FlaskClient], receiver: SegmentReceiver
) -> None:
    client = traced(database_url=f"postgresql+psycopg://shop@127.0.0.1:{free_port()}/shop")
    client.get("/api/catalog/products", headers=SAMPLED)
    segment = receiver.next()
    assert (segment["fault"], segment["annotations"]["http_status"]) == (True, 503)
    assert segment["cause"]["exceptions"][0]["type"].endswith("OperationalError")


def test_segments_are_counted_in_the_metrics(traced: Callable[..., FlaskClient], receiver: SegmentReceiver) -> None:
    client = traced()
    for _unused in range(3):
        client.get("/api/search/popular", headers=SAMPLED)
    text = client.get("/metrics").text
    assert "tracing_segments_sent_total 3.0" in text
    assert "tracing_segments_dropped_total 0.0" in text
    assert len(receiver.pending()) == 3
