"""The storefront before a small real backend, and a browser that reads its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from frontend.app import close_app, create_app
from frontend.settings import SERVICE_NAME, Settings
from support.fake_shop_api import FakeShopApi, fake_shop_api
from tracing import TracingSettings

MakeApp = Callable[..., Flask]


@pytest.fixture
def api() -> Iterator[FakeShopApi]:
    with fake_shop_api() as running:
        yield running


@pytest.fixture
def make_app(api: FakeShopApi, tmp_path: Path) -> Iterator[MakeApp]:
    """Makes an app before the backend, with settings of one's own."""
    made: list[Flask] = []
    (tmp_path / "session.key").write_bytes(b"k" * 32)

    def make(**changes: object) -> Flask:
        settings: dict[str, object] = {
            "internal_api_url": api.url,
            "session_key_file": tmp_path / "session.key",
            "tracing": TracingSettings(SERVICE_NAME, mode="off"),
            "read_timeout_seconds": 2.0,
        }
        made.append(create_app(Settings(**(settings | changes))))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for app in made:
        close_app(app)


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    return make_app().test_client()
