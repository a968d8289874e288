"""Rate limits over HTTP, counted in a real Redis."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from backend.settings import Limit
from flask import Flask
from flask.testing import FlaskClient

OpenApp = Callable[..., Flask]
CREDENTIALS = {"email": "ada@example.com", "password": "ada-password"}
# Windows so long that no test sees one end.
LONG = 10_000_000


def _statuses(client: FlaskClient, count: int, headers: dict[str, str] | None = None) -> list[int]:
    return [client.get("/api/catalog/categories", headers=headers).status_code for _unused in range(count)]


def test_client_over_the_limit_waits(open_app: OpenApp) -> None:
    client = open_app(rate_limits=True, general_limit=Limit(3, LONG)).test_client()
    assert _statuses(client, 5) == [200, 200, 200, 429, 429]
    refused = client.get("/api/catalog/categories")
    assert refused.get_json()["error"]["code"] == "too_many_requests"
    assert 0 < int(refused.headers["Retry-After"]) <= LONG


def test_limit_holds_over_all_processes(open_app: OpenApp) -> None:
    clients = [open_app(rate_limits=True, general_limit=Limit(3, LONG)).test_client() for _unused in range(2)]
    assert [_statuses(client, 2) for client in clients] == [[200, 200], [200, 429]]


def test_clients_are_counted_apart(open_app: OpenApp) -> None:
    client = open_app(rate_limits=True, general_limit=Limit(1, LONG)).test_client()
    addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.1")
    answers = [client.get("/api/search/popular", environ_base={"REMOTE_ADDR": address}) for address in addresses]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_login_has_a_limit_of_its_own(open_app: OpenApp) -> None:
    client = open_app(rate_limits=True, login_limit=Limit(2, LONG)).test_client()
    assert [client.post("/api/auth/login", json=CREDENTIALS).status_code for _unused in range(3)] == [200, 200, 429]
    assert client.get("/api/catalog/categories").status_code == 200


def test_registering_has_a_limit_of_its_own(open_app: OpenApp) -> None:
    client = open_app(rate_limits=True, register_limit=Limit(1, LONG)).test_client()
    assert [client.post("/api/auth/register", json={}).status_code for _unused in range(2)] == [400, 429]


@pytest.mark.parametrize(
    ("secret", "header", "last"),
    [
        ("load-test-secret-of-tests", "load-test-secret-of-tests", 200),
        ("load-test-secret-of-tests", "another", 429),
        ("load-test-secret-of-tests", "ünsafe", 429),
        (None, "", 429),
        (None, "None", 429),
    ],
)
def test_only_the_secret_lets_pass(open_app: OpenApp, secret: str | None, header: str, last: int) -> None:
    client = open_app(rate_limits=True, general_limit=Limit(1, LONG), loadtest_secret=secret).test_client()
    assert _statuses(client, 2, {"X-Load-Test-Secret": header})[-1] == last


def test_forwarded_address_counts_only_from_a_trusted_proxy(open_app: OpenApp) -> None:
    limited = {"rate_limits": True, "general_limit": Limit(1, LONG)}
    addresses = ("198.51.100.1", "198.51.100.2")
    believed = open_app(**limited, trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),)).test_client()
    assert [_statuses(believed, 1, {"X-Forwarded-For": address}) for address in addresses] == [[200], [200]]
    assert _statuses(believed, 1, {"X-Forwarded-For": f"198.51.100.9, {addresses[0]}"}) == [429]
    doubted = open_app(**limited).test_client()
    assert [_statuses(doubted, 1, {"X-Forwarded-For": address}) for address in addresses] == [[200], [429]]


def test_health_is_not_limited(open_app: OpenApp) -> None:
    client = open_app(rate_limits=True, general_limit=Limit(1, LONG)).test_client()
    assert [client.get(path).status_code for path in ("/health", "/ready", "/metrics", "/health")] == [200] * 4
