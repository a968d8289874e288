"""What the shop does without Redis, without its database and without its tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from backend.settings import Settings
from flask import Flask
from support.servers import free_port, redis_server

OpenApp = Callable[..., Flask]
ADA = {"email": "ada@example.com", "password": "ada-password"}


def _gone_database() -> str:
    return f"postgresql+psycopg://shop@127.0.0.1:{free_port()}/shop"


def test_without_redis_the_database_serves(open_app: OpenApp) -> None:
    client = open_app(redis_url=f"redis://127.0.0.1:{free_port()}/0", rate_limits=True).test_client()
    answers = [client.get("/api/catalog/products") for _unused in range(3)]
    assert [(answer.status_code, answer.headers["X-Cache"]) for answer in answers] == [(200, "miss")] * 3
    token = client.post("/api/auth/login", json=ADA).get_json()["data"]["token"]
    assert client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_redis_that_goes_and_comes_back_is_used_again(open_app: OpenApp, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        client = open_app(redis_url=url).test_client()
        assert [client.get("/api/search/popular").headers["X-Cache"] for _unused in range(2)] == ["miss", "hit"]
    assert client.get("/api/search/popular").status_code == 200


@pytest.mark.parametrize(
    ("gone", "name"), [("redis_url", "redis"), ("database_url", "database")], ids=["redis", "database"]
)
def test_readiness_names_what_is_gone(open_app: OpenApp, gone: str, name: str) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0" if name == "redis" else _gone_database()
    client = open_app(**{gone: url}).test_client()
    answer = client.get("/ready")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.get_json()["error"]["fields"] == {name: "does not answer"}
    assert client.get("/health").status_code == 200


def test_counters_without_redis_are_not_invented(open_app: OpenApp) -> None:
    client = open_app(redis_url=f"redis://127.0.0.1:{free_port()}/0").test_client()
    assert client.get("/metrics/cache").status_code == 503


def test_without_the_database_cached_answers_go_on_and_others_wait(open_app: OpenApp) -> None:
    open_app().test_client().get("/api/catalog/categories")
    client = open_app(database_url=_gone_database()).test_client()
    assert client.get("/api/catalog/categories").status_code == 200
    refused = client.get("/api/catalog/products")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.get_json()["error"]["code"] == "database_unavailable"
    assert client.post("/api/auth/login", json=ADA).status_code == 503


def test_without_tables_it_is_not_a_server_error(open_app: OpenApp, database_url: str) -> None:
    empty = database_url.removesuffix("/shop") + "/template1"
    answer = open_app(database_url=empty).test_client().get("/api/catalog/products")
    assert (answer.status_code, json.loads(answer.data)["error"]["code"]) == (503, "database_unavailable")


def test_idle_connection_that_the_database_closed_is_replaced(
    open_app: OpenApp, seeded_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = open_app(database_pool=1).test_client()
    assert client.get("/api/catalog/categories").status_code == 200
    with psycopg.connect(seeded_settings.database_url.replace("+psycopg", ""), autocommit=True) as other:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        other.execute(query, [other.info.dbname])
    monkeypatch.setattr("backend.database._IDLE_SECONDS", 0.0)
    assert client.get("/api/search/popular").status_code == 200
