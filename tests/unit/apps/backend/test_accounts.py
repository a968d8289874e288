"""Accounts, tokens and sessions over HTTP."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from backend.settings import Settings
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import create_engine, text

LogIn = Callable[[str], dict[str, str]]


def _new_account() -> dict[str, str]:
    return {"email": f"{secrets.token_hex(6)}@example.com", "password": "a long password", "name": "New"}


def _bearer(answer: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.get_json()['data']['token']}"}


def test_registered_user_is_logged_in(client: FlaskClient) -> None:
    account = _new_account()
    answer = client.post("/api/auth/register", json=account)
    assert answer.status_code == 201
    data = answer.get_json()["data"]
    assert data["expires_in"] == 3600
    assert (data["user"]["email"], data["user"]["role"]) == (account["email"], "customer")
    assert client.get("/api/auth/me", headers=_bearer(answer)).get_json()["data"] == data["user"]


def test_address_is_taken_in_any_case(client: FlaskClient) -> None:
    answer = client.post("/api/auth/register", json=_new_account() | {"email": "ADA@example.com"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "email_taken")


def test_password_is_stored_as_argon2id(client: FlaskClient, seeded_settings: Settings) -> None:
    account = _new_account()
    client.post("/api/auth/register", json=account)
    engine = create_engine(seeded_settings.database_url)
    with engine.connect() as connection:
        query = text("SELECT password_hash FROM users WHERE email = :email")
        stored = connection.execute(query, {"email": account["email"]}).scalar_one()
    engine.dispose()
    assert stored.startswith("$argon2id$")
    assert account["password"] not in stored


@pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
def test_wrong_login_does_not_tell_who_exists(client: FlaskClient, email: str) -> None:
    answer = client.post("/api/auth/login", json={"email": email, "password": "wrong"})
    assert answer.status_code == 401
    assert answer.get_json()["error"] == {
        "code": "bad_credentials",
        "message": "e-mail address or password is wrong",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no address"), ("email", None), ("password", "short"), ("name", ""), ("name", "a\0b"), ("name", 5)],
)
def test_registration_names_the_wrong_field(client: FlaskClient, field: str, value: object) -> None:
    answer = client.post("/api/auth/register", json=_new_account() | {field: value})
    assert answer.status_code == 400
    assert list(answer.get_json()["error"]["fields"]) == [field]


def _unsigned(token: str) -> str:
    _unused, payload, _unused = token.split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}."


def _signed_by_another(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, secrets.token_bytes(32), "HS256", headers=jwt.get_unverified_header(token))


@pytest.mark.parametrize("forge", [_unsigned, _signed_by_another, lambda token: token[:-4], lambda token: "nonsense"])
def test_forged_token_is_refused(client: FlaskClient, log_in: LogIn, forge: Callable[[str], str]) -> None:
    token = forge(log_in("ada")["Authorization"].removeprefix("Bearer "))
    answer = client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_token_is_over_after_its_lifetime(open_app: Callable[..., Flask]) -> None:
    client = open_app(token_seconds=-1).test_client()
    login = client.post("/api/auth/login", json={"email": "ada@example.com", "password": "ada-password"})
    assert client.get("/api/auth/me", headers=_bearer(login)).status_code == 401


def test_me_comes_from_the_cache(client: FlaskClient, log_in: LogIn, redis: Redis) -> None:
    header = log_in("ada")
    answers = [client.get("/api/auth/me", headers=header) for _unused in range(2)]
    assert [answer.headers["X-Cache"] for answer in answers] == ["miss", "hit"]
    [key] = redis.keys("response:me:*")
    assert 0 < redis.ttl(key) <= 300


def test_logged_out_token_is_refused_at_once(client: FlaskClient, log_in: LogIn) -> None:
    here, there = log_in("ada"), log_in("ada")
    assert client.get("/api/auth/me", headers=here).status_code == 200
    assert client.post("/api/auth/logout", headers=here).status_code == 200
    assert client.get("/api/auth/me", headers=here).status_code == 401
    assert client.get("/api/auth/me", headers=there).status_code == 200


def test_changed_password_ends_all_sessions_but_the_new_one(client: FlaskClient) -> None:
    account = _new_account()
    old = _bearer(client.post("/api/auth/register", json=account))
    assert client.get("/api/auth/me", headers=old).status_code == 200
    body = {"current_password": account["password"], "new_password": "another long password"}
    changed = client.post("/api/auth/change-password", headers=old, json=body)
    assert client.get("/api/auth/me", headers=_bearer(changed)).status_code == 200
    assert client.get("/api/auth/me", headers=old).status_code == 401
    assert client.post("/api/auth/login", json=account).status_code == 401


def test_password_is_not_changed_without_the_current_one(client: FlaskClient, log_in: LogIn) -> None:
    body = {"current_password": "wrong", "new_password": "another long password"}
    answer = client.post("/api/auth/change-password", headers=log_in("bob"), json=body)
    assert answer.status_code == 403
    log_in("bob")
