"""What the backend tells of logins, refusals and limits: JSON that names nobody's address or secret."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from backend.settings import Limit, Settings
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from serving.events import LOGGER
from support.segments import SegmentReceiver
from support.served import answer, connected, request, served_backend
from support.waiting import eventually
from tracing import TracingSettings

OpenApp = Callable[..., Flask]
LONG = 10_000_000
PASSWORD = "a long password of nobody else"
ROOT = "1-5f84c7a1-0123456789abcdef01234567"


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    @property
    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    def one(self, name: str) -> dict[str, Any]:
        [event] = [event for event in self.events if event["event"] == name]
        return event


@pytest.fixture
def log() -> Iterator[Lines]:
    lines = Lines()
    LOGGER.addHandler(lines)
    LOGGER.setLevel(logging.INFO)
    yield lines
    LOGGER.removeHandler(lines)


def _account() -> dict[str, str]:
    return {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD, "name": "New"}


def _bearer(answer: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.get_json()['data']['token']}"}


def test_a_customers_way_is_told_without_address_password_or_token(client: FlaskClient, log: Lines) -> None:
    account = _account()
    registered = client.post("/api/auth/register", json=account)
    user_id = registered.get_json()["data"]["user"]["id"]
    client.post("/api/auth/register", json=account)
    client.post("/api/auth/login", json=account | {"password": "a wrong one"})
    client.post("/api/auth/login", json=account)
    bearer = _bearer(registered)
    wrong = {"current_password": "a wrong one", "new_password": "the next long password"}
    client.post("/api/auth/change-password", headers=bearer, json=wrong)
    changed = client.post(
        "/api/auth/change-password", headers=bearer, json=wrong | {"current_password": account["password"]}
    )
    client.post("/api/auth/logout", headers=_bearer(changed))
    assert log.names == [
        "registered",
        "registration_refused",
        "login_failed",
        "login_succeeded",
        "password_refused",
        "password_changed",
        "session_revoked",
        "session_revoked",
    ]
    assert {event.get("user_id") for event in log.events} == {user_id, None}
    assert [event["sessions"] for event in log.events[-2:]] == [2, 1]
    assert not [word for word in (account["email"], "password of", "wrong one", "eyJ") if word in "".join(log.lines)]


def test_event_says_when_where_who_and_what(client: FlaskClient, log: Lines) -> None:
    client.get("/api/orders", headers={"Authorization": "Bearer a.b.c"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    event = log.one("token_refused")
    assert datetime.fromisoformat(event.pop("time")).tzinfo is not None
    assert event == {
        "event": "token_refused",
        "service": "ecommerce-backend",
        "client": "192.0.2.7",
        "method": "GET",
        "route": "/api/orders",
        "reason": "malformed",
    }


def test_event_names_the_trace(open_app: OpenApp, receiver: SegmentReceiver, log: Lines) -> None:
    daemon = receiver.address
    traced = TracingSettings("ecommerce-backend", udp_address=daemon, tcp_address=daemon, trust_incoming_sampled=True)
    client = open_app(tracing=traced).test_client()
    client.post("/api/auth/login", json=_account(), headers={"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=0"})
    assert log.one("login_failed")["trace_id"] == ROOT


def test_known_and_unknown_addresses_differ_for_the_log_only(client: FlaskClient, log: Lines) -> None:
    answers = [
        client.post("/api/auth/login", json={"email": email, "password": "wrong"})
        for email in ("ada@example.com", "nobody@example.com")
    ]
    assert answers[0].data == answers[1].data
    assert ["user_id" in event for event in log.events] == [True, False]


def test_ended_session_and_missing_role_are_told_with_the_user(
    client: FlaskClient, log_in: Callable[[str], dict[str, str]], log: Lines
) -> None:
    bearer = log_in("ada")
    user_id = client.get("/api/auth/me", headers=bearer).get_json()["data"]["id"]
    assert client.get("/api/orders/admin/stats", headers=bearer).status_code == 403
    client.post("/api/auth/logout", headers=bearer)
    assert client.get("/api/auth/me", headers=bearer).status_code == 401
    assert log.one("forbidden")["user_id"] == log.one("token_refused")["user_id"] == user_id
    assert log.one("token_refused")["reason"] == "session_over"
    assert log.one("forbidden")["route"] == "/api/orders/admin/stats"


def test_request_without_a_token_is_no_event(client: FlaskClient, log: Lines) -> None:
    assert client.get("/api/auth/me").status_code == 401
    assert client.get("/api/auth/me", headers={"Authorization": "Basic eDp5"}).status_code == 401
    assert log.lines == []


def test_limit_is_told_once_for_each_client(open_app: OpenApp, log: Lines) -> None:
    client = open_app(rate_limits=True, general_limit=Limit(1, LONG)).test_client()
    for address in ("192.0.2.1", "192.0.2.2"):
        for _unused in range(5):
            client.get("/api/catalog/categories", environ_base={"REMOTE_ADDR": address})
    assert log.names == ["limit_hit", "limit_hit"]
    assert [(event["client"], event["limit"]) for event in log.events] == [
        ("192.0.2.1", "general"),
        ("192.0.2.2", "general"),
    ]


def test_limit_on_the_hot_path_is_told_too(open_hot_app: OpenApp, log: Lines) -> None:
    client = open_hot_app(rate_limits=True, general_limit=Limit(3, LONG)).test_client()
    statuses = [client.get("/api/search/popular").status_code for _unused in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert log.one("limit_hit")["route"] == "/api/search/popular"


def test_wrong_secret_of_a_load_test_is_told_once_a_request(open_app: OpenApp, log: Lines) -> None:
    client = open_app(rate_limits=True).test_client()
    client.post("/api/auth/login", json=_account(), headers={"X-Load-Test-Secret": "a guess at it"})
    assert log.names == ["bypass_refused", "login_failed"]
    assert "a guess" not in "".join(log.lines)


def test_flood_is_counted_instead_of_told(client: FlaskClient, log: Lines) -> None:
    for _unused in range(200):
        client.get("/api/auth/me", headers={"Authorization": "Bearer flood"})
    told = [event for event in log.events if event["event"] == "token_refused"]
    client.application.extensions["shop"].events._begin_second(0)
    suppressed = [event["count"] for event in log.events if event["event"] == "events_suppressed"]
    assert len(told) + sum(suppressed) == 200
    assert suppressed, "200 requests take less than ten seconds"


def test_served_processes_write_events_to_stderr(seeded_settings: Settings, redis: Redis, tmp_path: Path) -> None:
    wrong = json.dumps({"email": "ada@example.com", "password": "wrong"}).encode()
    login = request("/api/auth/login", "POST", wrong)
    with served_backend(tmp_path, seeded_settings.database_url, seeded_settings.redis_url) as (port, _process):
        for _unused in range(25):
            assert answer(connected(port, login))[0] == 401

        def told() -> list[dict[str, Any]]:
            lines = (tmp_path / "backend.log").read_text().splitlines()
            return [json.loads(line) for line in lines if line.startswith("{")]

        eventually(lambda: sum(event.get("count", 1) for event in told()) == 25)
    assert {event["event"] for event in told()} <= {"login_failed", "events_suppressed"}
    assert {event["client"] for event in told() if event["event"] == "login_failed"} == {"127.0.0.1"}
