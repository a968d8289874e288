"""Queries of any bytes: read by a guarded request, whatever they are."""

from __future__ import annotations

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving.requests import GuardedRequest

LENIENT = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("guarded")
    app.request_class = GuardedRequest
    app.add_url_rule("/", view_func=lambda: request.args.get("q", "none"))
    return app.test_client()


def _ask(client: FlaskClient, query: bytes) -> str:
    answer = client.get("/", environ_overrides={"QUERY_STRING": query.decode("latin-1")})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(
    ("query", "read"),
    [
        (b"q=lamp", "lamp"),
        ("q=Öl".encode(), "Öl"),
        (b"q=%C3%96l", "Öl"),
        (b"q=\xffl", "\ufffdl"),
        (b"q=%ffl", "%FFl"),
        (b"\xff=1&q=lamp", "lamp"),
    ],
)
def test_what_is_no_text_is_replaced_and_the_rest_kept(client: FlaskClient, query: bytes, read: str) -> None:
    assert _ask(client, query) == read


@LENIENT
@given(st.binary(max_size=80))
def test_any_bytes_can_be_read(client: FlaskClient, query: bytes) -> None:
    _ask(client, b"q=" + query)
