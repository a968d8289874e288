"""The backend on a real database and a real Redis, each module with its own content."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from backend import maintenance
from backend.app import create_app
from backend.invalidation import Listener
from backend.settings import Settings
from backend.views.common import shop_of
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from support.described_api import DocumentedClient
from support.segments import SegmentReceiver, segment_receiver
from support.waiting import eventually
from tracing import TracingSettings, uninstrument

ACCOUNTS = [{"email": f"{name}@example.com", "password": f"{name}-password", "name": name} for name in ("ada", "bob")]
ADMIN = {"email": "admin@example.com", "password": "admin-password", "name": "Admin"}
SECRET = "load-test-secret-of-tests"


@pytest.fixture(scope="session")
def flushed_redis_url(redis_url: str) -> str:
    """A Redis database that only the backend's tests use, and empty between them."""
    return redis_url.removesuffix("/0") + "/5"


@pytest.fixture(scope="session")
def new_database(database_url: str) -> Callable[[], AbstractContextManager[str]]:
    """Makes a database without tables that lasts as long as a block; yields its SQLAlchemy URL."""
    server = database_url.replace("+psycopg", "")

    @contextmanager
    def made() -> Iterator[str]:
        name = f"backend_{secrets.token_hex(4)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield database_url.removesuffix("/shop") + f"/{name}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return made


@pytest.fixture(scope="module")
def empty_database_url(new_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """A database of this module, without tables."""
    with new_database() as url:
        yield url


@pytest.fixture(scope="module")
def seeded_settings(
    empty_database_url: str, flushed_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of a backend with tables, catalogue and accounts; passwords are hashed as cheaply as can be."""
    folder: Path = tmp_path_factory.mktemp("accounts")
    (folder / "accounts.json").write_text(json.dumps(ACCOUNTS))
    (folder / "admin.json").write_text(json.dumps(ADMIN))
    (folder / "token.key").write_bytes(secrets.token_bytes(32))
    settings = Settings(
        database_url=empty_database_url,
        redis_url=flushed_redis_url,
        token_key_file=folder / "token.key",
        loadtest_secret=SECRET,
        rate_limits=False,
        argon2_memory_kib=8,
        argon2_passes=1,
        tracing=TracingSettings("ecommerce-backend", mode="off"),
    )
    maintenance.migrate(settings, check=False)
    maintenance.seed(settings, str(folder / "accounts.json"), str(folder / "admin.json"), check=False)
    return settings


@pytest.fixture
def redis(flushed_redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(flushed_redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture
def open_app(seeded_settings: Settings, redis: Redis) -> Iterator[Callable[..., Flask]]:
    """Makes an app of the seeded settings with changes, as one of several processes would.

    Every answer to its test clients must be one that the API's document describes.
    """
    made: list[Flask] = []

    def opened(**changes: Any) -> Flask:
        made.append(create_app(replace(seeded_settings, **changes)))
        made[-1].test_client_class = DocumentedClient
        return made[-1]

    yield opened
    for app in made:
        uninstrument(app)
        shop_of(app).close()


@pytest.fixture
def open_hot_app(open_app: Callable[..., Flask]) -> Iterator[Callable[..., Flask]]:
    """Makes an app as `open_app` does, which hears of invalidations and so answers on the hot path."""
    listeners: list[Listener] = []

    def opened(**changes: Any) -> Flask:
        app = open_app(**changes)
        shop = shop_of(app)
        listeners.append(Listener(shop.settings.redis_url, shop.hot))
        listeners[-1].start()
        eventually(lambda: shop.hot.on)
        return app

    yield opened
    for listener in listeners:
        listener.stop()


@pytest.fixture
def client(open_app: Callable[..., Flask]) -> FlaskClient:
    return open_app().test_client()


@pytest.fixture
def log_in(client: FlaskClient) -> Callable[[str], dict[str, str]]:
    """Logs a seeded account in; returns the header that says so."""

    def logged_in(name: str) -> dict[str, str]:
        answer = client.post("/api/auth/login", json={"email": f"{name}@example.com", "password": f"{name}-password"})
        return {"Authorization": f"Bearer {answer.get_json()['data']['token']}"}

    return logged_in


@pytest.fixture
def receiver() -> Iterator[SegmentReceiver]:
    with segment_receiver() as received:
        yield received


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one whenever somebody waits for a call that is under way already."""
    waits: list[object] = []

    def counted(flights: tuple[object, ...], seconds: float) -> object:
        waits.append(flights)
        return wait(flights, seconds)  # type: ignore[arg-type]

    monkeypatch.setattr("backend.flights.wait", counted)
    return waits
