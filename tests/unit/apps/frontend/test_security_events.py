"""What the storefront tells of forms from elsewhere and of wrong secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.fake_shop_api import FakeShopApi
from support.pages import read_page

MakeApp = Callable[..., Flask]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "security")
    return caplog


def test_form_without_its_token_is_told(client: FlaskClient, log: pytest.LogCaptureFixture) -> None:
    data = {"form_token": "made-up", "password": "hunter2hunter2"}
    client.post("/auth/login", data=data, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    [line] = log.messages
    event = json.loads(line)
    assert event.pop("time")
    assert event == {
        "event": "csrf_refused",
        "service": "ecommerce-frontend",
        "client": "192.0.2.7",
        "method": "POST",
        "route": "/auth/login",
    }


def test_wrong_secret_of_a_load_test_is_told(make_app: MakeApp, log: pytest.LogCaptureFixture) -> None:
    client = make_app(loadtest_secret="the right one").test_client()
    client.get("/products", headers={"X-Load-Test-Secret": "a guess at it"})
    assert {json.loads(line)["event"] for line in log.messages} == {"bypass_refused"}
    assert "guess" not in log.text
    log.clear()
    client.get("/products", headers={"X-Load-Test-Secret": "the right one"})
    assert log.messages == []


def test_backend_learns_with_which_program_a_session_is_begun(client: FlaskClient, api: FakeShopApi) -> None:
    form = read_page(client.get("/auth/login").text).form("/auth/login")
    form |= {"email": "ada@example.com", "password": "correct horse"}
    client.post("/auth/login", data=form, headers={"User-Agent": "Mozilla/5.0 Firefox/133.0"})
    [login] = [call for call in api.calls if call.path == "/api/auth/login"]
    assert login.headers["user-agent"] == "Mozilla/5.0 Firefox/133.0"
