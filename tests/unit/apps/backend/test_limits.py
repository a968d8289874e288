"""Rate limits over HTTP, counted in a real Redis."""

from __future__ import annotations

import ipaddress
import statistics
import time
from collections.abc import Callable

import pytest
from backend.passwords import Passwords
from backend.settings import Limit
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import text

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


def _guess(client: FlaskClient, number: int, **credentials: str) -> tuple[int, str]:
    """The answer to a guess, each from another address."""
    answer = client.post(
        "/api/auth/login",
        json={"email": "ada@example.com", "password": "wrong"} | credentials,
        environ_base={"REMOTE_ADDR": f"192.0.2.{number}"},
    )
    return answer.status_code, answer.get_json().get("error", {}).get("code", "")


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_account_is_guessed_at_a_few_times_from_wherever(open_app: OpenApp, email: str) -> None:
    client = open_app(rate_limits=True, account_limit=Limit(3, LONG)).test_client()
    guesses = [_guess(client, number, email=email.upper() if number % 2 else email) for number in range(5)]
    assert guesses == [(401, "bad_credentials")] * 3 + [(429, "too_many_requests")] * 2
    assert _guess(client, 9, email="bob@example.com")[0] == 401


def test_right_password_is_no_guess(open_app: OpenApp) -> None:
    client = open_app(rate_limits=True, account_limit=Limit(3, LONG)).test_client()
    right = [_guess(client, number, password="ada-password")[0] for number in range(10)]
    assert right == [200] * 10
    assert [_guess(client, number)[0] for number in range(4)] == [401, 401, 401, 429]
    assert _guess(client, 5, password="ada-password")[0] == 429, "nor does it tell that it was right"


def test_accounts_are_counted_without_their_addresses(open_app: OpenApp, redis: Redis) -> None:
    client = open_app(rate_limits=True).test_client()
    _guess(client, 1)
    [key] = redis.keys("limit:account:*")
    assert b"ada" not in key
    assert 0 < redis.ttl(key) <= 900


def test_unknown_address_costs_as_much_as_a_wrong_password() -> None:
    """By the CPU that each takes, which other work on the machine does not change much."""
    passwords = Passwords(8192, 2)
    known = passwords.hash("right")

    def cost(password_hash: str | None) -> float:
        def once() -> float:
            began = time.thread_time()
            assert not passwords.matches(password_hash, "wrong")
            return time.thread_time() - began

        return statistics.median(once() for _unused in range(7))

    assert 0.5 < cost(None) / cost(known) < 2


def test_hash_of_another_cost_is_replaced_at_the_next_login(open_app: OpenApp) -> None:
    credentials = {"email": "bob@example.com", "password": "bob-password"}
    app = open_app(argon2_passes=2)
    shop = app.extensions["shop"]

    def stored() -> str:
        with shop.database.reader.connect() as connection:
            query = text("SELECT password_hash FROM users WHERE email = 'bob@example.com'")
            return str(connection.execute(query).scalar_one())

    assert shop.passwords.is_outdated(stored())
    assert app.test_client().post("/api/auth/login", json=credentials).status_code == 200
    assert not shop.passwords.is_outdated(stored())
    assert app.test_client().post("/api/auth/login", json=credentials).status_code == 200
