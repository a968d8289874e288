"""Sessions over HTTP: listed to their user, ended one by one or all but this, and cleared away when they are over."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from backend.settings import Settings
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection

Bearer = dict[str, str]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
    " Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
    " Edg/131.0.0.0"
)


class Customer:
    """A new account, which logs in with several programs."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._account = {"email": f"{secrets.token_hex(6)}@example.com", "password": "a long password", "name": "New"}
        self.first = _bearer(client.post("/api/auth/register", json=self._account))

    def log_in(self, user_agent: str = FIREFOX) -> Bearer:
        return _bearer(self._client.post("/api/auth/login", json=self._account, headers={"User-Agent": user_agent}))

    def sessions(self, bearer: Bearer) -> list[dict[str, Any]]:
        answer = self._client.get("/api/auth/sessions", headers=bearer)
        assert answer.status_code == 200
        items: list[dict[str, Any]] = answer.get_json()["data"]["items"]
        return items

    def current(self, bearer: Bearer) -> dict[str, Any]:
        [session] = [item for item in self.sessions(bearer) if item["current"]]
        return session

    def may(self, bearer: Bearer) -> bool:
        return self._client.get("/api/auth/me", headers=bearer).status_code == 200


def _bearer(answer: Any) -> Bearer:
    return {"Authorization": f"Bearer {answer.get_json()['data']['token']}"}


@pytest.fixture
def customer(client: FlaskClient) -> Customer:
    return Customer(client)


@pytest.fixture
def connection(seeded_settings: Settings) -> Iterator[Connection]:
    engine = create_engine(seeded_settings.database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as made:
        yield made
    engine.dispose()


def test_sessions_are_listed_to_their_user(customer: Customer) -> None:
    bearer = customer.log_in()
    here, there = customer.sessions(bearer)
    assert (here["current"], there["current"]) == (True, False)
    assert here["user_agent"] == "Firefox on Linux"
    assert set(here) == {"id", "created_at", "last_seen_at", "expires_at", "user_agent", "current"}
    created, expires = (datetime.fromisoformat(here[name]) for name in ("created_at", "expires_at"))
    assert timedelta(minutes=59) < expires - created < timedelta(minutes=61)
    assert [item["id"] for item in customer.sessions(customer.first)] == [here["id"], there["id"]]


@pytest.mark.parametrize(
    ("told", "short"),
    [
        (PHONE, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        ("python-httpx/0.28.1", "python-httpx"),
        ("\N{PILE OF POO}" * 500, None),
        ("", None),
        ("x" * 5000, "x" * 40),
        ("<script>alert(1)</script>", None),
    ],
)
def test_program_is_told_in_few_words(customer: Customer, told: str, short: str | None) -> None:
    assert customer.current(customer.log_in(told))["user_agent"] == short


def test_last_use_is_noted_now_and_then(customer: Customer, connection: Connection, redis: Redis) -> None:
    session = customer.current(customer.first)
    age = text("UPDATE sessions SET last_seen_at = now() - CAST(:age AS interval) WHERE id = :id")

    def seen_again(minutes: int) -> bool:
        connection.execute(age, {"age": f"{minutes} minutes", "id": session["id"]})
        redis.flushdb()
        before = customer.current(customer.first)["last_seen_at"]
        return before is not None and datetime.fromisoformat(before) > datetime.fromisoformat(session["created_at"])

    assert not seen_again(2), "too short ago to be worth a write"
    assert seen_again(10)


def test_one_session_is_ended_at_once(customer: Customer) -> None:
    stolen = customer.log_in()
    assert customer.may(stolen)
    answer = customer._client.delete(f"/api/auth/sessions/{customer.current(stolen)['id']}", headers=customer.first)
    assert answer.status_code == 200
    assert not customer.may(stolen)
    assert [item["current"] for item in customer.sessions(customer.first)] == [True]


def test_all_other_sessions_are_ended_at_once(customer: Customer) -> None:
    others = [customer.log_in(), customer.log_in()]
    assert all(customer.may(other) for other in others)
    answer = customer._client.delete("/api/auth/sessions", headers=customer.first)
    assert (answer.status_code, answer.get_json()["data"]) == (200, {"ended": 2})
    assert not any(customer.may(other) for other in others)
    assert customer.may(customer.first)


@pytest.mark.parametrize("session", ["0" * 32, "no-session", "%00", "' OR ''='", "x" * 500])
def test_session_that_is_not_there_is_not_found(customer: Customer, session: str) -> None:
    assert customer._client.delete(f"/api/auth/sessions/{session}", headers=customer.first).status_code == 404


def test_session_of_another_user_is_not_found_and_goes_on(client: FlaskClient, customer: Customer) -> None:
    other = Customer(client)
    theirs = other.current(other.first)["id"]
    assert client.delete(f"/api/auth/sessions/{theirs}", headers=customer.first).status_code == 404
    assert client.delete("/api/auth/sessions", headers=customer.first).get_json()["data"] == {"ended": 0}
    assert other.may(other.first)


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("DELETE", "/" + "0" * 32)])
def test_sessions_need_a_token(client: FlaskClient, method: str, path: str) -> None:
    assert client.open(f"/api/auth/sessions{path}", method=method).status_code == 401


def test_session_ended_in_one_process_is_over_in_another(open_app: Callable[..., Flask], customer: Customer) -> None:
    other = open_app().test_client()
    assert other.get("/api/auth/me", headers=customer.first).status_code == 200
    customer._client.post("/api/auth/logout", headers=customer.first)
    assert other.get("/api/auth/me", headers=customer.first).status_code == 401


def test_each_login_clears_a_bounded_number_of_sessions_away(customer: Customer, connection: Connection) -> None:
    """Whosever they are: their users may never come back."""
    stale = text(
        "INSERT INTO sessions (id, user_id, expires_at)"
        " SELECT md5(n::text), (SELECT min(id) FROM users), now() - interval '1 day' FROM generate_series(1, 30) n"
    )
    count = text("SELECT count(*) FROM sessions WHERE expires_at < now()")
    connection.execute(stale)
    before = connection.execute(count).scalar_one()
    customer.log_in()
    after = connection.execute(count).scalar_one()
    assert before - 20 == after > 0
    customer.log_in()
    assert connection.execute(count).scalar_one() == 0
