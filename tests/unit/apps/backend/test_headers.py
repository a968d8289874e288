"""The headers by which answers of the API are taken for what they are, run nothing and stay private."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from backend.settings import Limit
from flask import Flask
from flask.testing import FlaskClient
from support.waiting import eventually
from werkzeug.test import TestResponse

OpenApp = Callable[..., Flask]
INERT = "default-src 'none'; frame-ancestors 'none'"
PRODUCTS = "/api/catalog/products?limit=1"


def _is_inert(answer: TestResponse) -> bool:
    [policy] = answer.headers.getlist("Content-Security-Policy")
    return (policy, answer.headers.getlist("X-Content-Type-Options")) == (INERT, ["nosniff"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PRODUCTS, 200),
        ("HEAD", PRODUCTS, 200),
        ("OPTIONS", "/api/orders", 200),
        ("GET", "/api/search", 400),
        ("GET", "/api/auth/me", 401),
        ("GET", "/nowhere", 404),
        ("PUT", "/api/orders", 405),
        ("POST", "/api/auth/login", 415),
        ("GET", "/health", 200),
        ("GET", "/metrics", 200),
        ("GET", "/metrics/cache", 200),
        ("GET", "/api/openapi.json", 200),
    ],
)
def test_every_answer_is_inert(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert _is_inert(answer)


def test_answer_of_the_hot_path_is_inert(open_hot_app: OpenApp) -> None:
    client = open_hot_app(rate_limits=True, general_limit=Limit(200, 10_000_000)).test_client()
    shop = client.application.extensions["shop"]
    eventually(lambda: bool(client.get(PRODUCTS)) and shop.hot.get(("GET", *PRODUCTS.split("?"))) is not None)
    assert _is_inert(client.get(PRODUCTS))
    over = next(answer for _unused in range(201) if (answer := client.get(PRODUCTS)).status_code == 429)
    assert _is_inert(over)
    assert over.headers["Cache-Control"] == "no-store"


def test_what_belongs_to_a_user_is_kept_by_nobody_on_the_way(
    client: FlaskClient, log_in: Callable[[str], dict[str, str]]
) -> None:
    bearer = log_in("ada")
    private = [client.get(path, headers=bearer) for path in ("/api/auth/me", "/api/auth/sessions", "/api/orders")]
    private.append(client.post("/api/auth/login", json={"email": "ada@example.com", "password": "ada-password"}))
    assert [(answer.status_code, answer.headers["Cache-Control"]) for answer in private] == [(200, "no-store")] * 4
    assert "Cache-Control" not in client.get(PRODUCTS).headers


def test_page_to_browse_the_api_loads_nothing_but_its_own_style(client: FlaskClient) -> None:
    headers = client.get("/api/docs").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy.pop("style-src").startswith("'sha256-")
    assert set(policy.values()) == {"'none'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
