"""Access tokens whose keys are replaced while the shop is served, and tokens that are none of ours."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jwt
import pytest
from backend.settings import Settings
from backend.tokens import Claims, TokenRefused, Tokens
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis
from serving.keys import KeyRing
from support.servers import free_port, running
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[4] / "apps"
CREDENTIALS = {"email": "ada@example.com", "password": "ada-password"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir()
    (made / "1").write_bytes(secrets.token_bytes(64))
    return made


@pytest.fixture
def tokens(folder: Path) -> Tokens:
    return Tokens(KeyRing(folder), 3600)


def _forged(tokens: Tokens, *, algorithm: str = "HS256", key: bytes | None = None, **claims: object) -> str:
    """A token as ours, with other claims (None leaves one out), another algorithm or key."""
    ours = tokens.issue(Claims(1, "session"))
    known = jwt.decode(ours, options={"verify_signature": False}) | claims
    header = {"kid": jwt.get_unverified_header(ours)["kid"]}
    payload = {name: value for name, value in known.items() if value is not None}
    return jwt.encode(payload, key or _secret(tokens), algorithm, headers=header)


def _secret(tokens: Tokens) -> bytes:
    return tokens._ring.current.secret


def _with_header(token: str, **changes: object) -> str:
    header = jwt.get_unverified_header(token) | changes
    segment = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join((segment, *token.split(".")[1:]))


def test_token_holds_while_its_key_is_there(folder: Path, tokens: Tokens) -> None:
    old = tokens.issue(Claims(7, "first"))
    (folder / "2").write_bytes(secrets.token_bytes(32))
    newer = Tokens(KeyRing(folder), 3600)
    new = newer.issue(Claims(7, "second"))
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    assert tokens.read(new) == newer.read(new) == Claims(7, "second")
    assert newer.read(old) == Claims(7, "first")
    (folder / "1").unlink()
    with pytest.raises(TokenRefused, match="unknown_key"):
        Tokens(KeyRing(folder), 3600).read(old)


@pytest.mark.parametrize(
    ("forge", "reason"),
    [
        (lambda tokens: "", "malformed"),
        (lambda tokens: "a.b.c", "malformed"),
        (lambda tokens: _forged(tokens)[:-2], "malformed"),
        (lambda tokens: _forged(tokens)[:-43] + "A" * 43, "wrong_signature"),
        (lambda tokens: _forged(tokens, key=b"o" * 32), "wrong_signature"),
        (lambda tokens: _forged(tokens, algorithm="HS512"), "malformed"),
        (lambda tokens: _with_header(_forged(tokens), alg="none"), "malformed"),
        (lambda tokens: _with_header(_forged(tokens), alg="RS256"), "malformed"),
        (lambda tokens: _with_header(_forged(tokens), kid="0" * 16), "unknown_key"),
        (lambda tokens: _with_header(_forged(tokens), kid="../../dev/zero"), "unknown_key"),
        (lambda tokens: _with_header(_forged(tokens), kid=["x"]), "malformed"),
        (lambda tokens: _with_header(_forged(tokens), jku="http://127.0.0.1/keys"), "wrong_signature"),
        (lambda tokens: jwt.encode({"sub": "1"}, _secret(tokens)), "unknown_key"),
        (lambda tokens: _forged(tokens, exp=int(time.time()) - 1), "expired"),
        (lambda tokens: _forged(tokens, exp=None), "malformed"),
        (lambda tokens: _forged(tokens, sid=None), "malformed"),
        (lambda tokens: _forged(tokens, sub="everyone"), "malformed"),
        (lambda tokens: _forged(tokens, nbf=int(time.time()) + 600), "malformed"),
    ],
)
def test_token_that_is_not_ours_is_refused_with_a_reason_for_the_log(
    tokens: Tokens, forge: Callable[[Tokens], str], reason: str
) -> None:
    with pytest.raises(TokenRefused) as refused:
        tokens.read(forge(tokens))
    assert refused.value.reason == reason


def test_token_of_a_clock_that_is_ahead_is_taken(tokens: Tokens) -> None:
    assert tokens.read(_forged(tokens, iat=int(time.time()) + 30)) == Claims(1, "session")


@given(noise=st.text(max_size=40), place=st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_damaged_token_is_refused_and_never_an_error(noise: str, place: int) -> None:
    tokens = _TOKENS
    token = tokens.issue(Claims(1, "session"))
    damaged = token[:place] + noise + token[place + 1 :]
    if damaged == token:
        return
    with suppress(TokenRefused):
        assert tokens.read(damaged) == Claims(1, "session"), "at most other bits of the same bytes"


@pytest.fixture(scope="module", autouse=True)
def _tokens_of_module(tmp_path_factory: pytest.TempPathFactory) -> None:
    global _TOKENS
    file = tmp_path_factory.mktemp("keys") / "key"
    file.write_bytes(secrets.token_bytes(32))
    _TOKENS = Tokens(KeyRing(file), 3600)


_TOKENS: Tokens


def test_unknown_key_is_401_over_http(open_app: Callable[..., Flask], tokens: Tokens) -> None:
    token = tokens.issue(Claims(1, "session"))
    answer = open_app().test_client().get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (401, "unauthorized")


class Customers:
    """Threads that log in and use their tokens at once, of whatever process they came from, until told to stop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stopping = threading.Event()
        self.key_ids: set[str] = set()
        self.failures: list[tuple[str, int]] = []
        self.requests = 0
        self._threads = [threading.Thread(target=self._shop) for _unused in range(3)]

    @contextmanager
    def shopping(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()

    def _shop(self) -> None:
        oldest = self._ask("POST", "/api/auth/login", "", CREDENTIALS)["token"]
        while not self._stopping.is_set():
            token = self._ask("POST", "/api/auth/login", "", CREDENTIALS)["token"]
            self.key_ids.add(jwt.get_unverified_header(token)["kid"])
            for bearer in (token, oldest, token):
                self._ask("GET", "/api/auth/me", bearer)

    def _ask(self, method: str, path: str, token: str, body: object = None) -> Any:
        """Each request on a connection of its own, so that any process may get it."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            document = json.loads(answer.read())
        finally:
            connection.close()
        self.requests += 1
        if answer.status != 200:
            self.failures.append((path, answer.status))
        return document.get("data", {"token": ""})


def _add_key(folder: Path, name: str) -> None:
    """As the backend's README says: a hidden file becomes a key by its renaming."""
    (folder / f".{name}").write_bytes(secrets.token_bytes(32))
    (folder / f".{name}").rename(folder / name)


def test_keys_are_replaced_under_load_without_a_failed_request(
    seeded_settings: Settings, redis: Redis, folder: Path
) -> None:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APPS),
        "DATABASE_URL": seeded_settings.database_url,
        "REDIS_URL": seeded_settings.redis_url,
        "TOKEN_KEY_FILE": str(folder),
        "BACKEND_PORT": str(port),
        "BACKEND_WORKERS": "2",
        "ARGON2_MEMORY_KIB": "8",
        "ARGON2_PASSES": "1",
        "RATE_LIMITS": "off",
        "TRACING": "off",
    }
    customers = Customers(port)
    with running([sys.executable, "-m", "backend"], port, env=environ), customers.shopping():
        eventually(lambda: customers.requests > 50)
        _add_key(folder, "2")
        eventually(lambda: len(customers.key_ids) == 2)
        _add_key(folder, "3")
        eventually(lambda: len(customers.key_ids) == 3)
        requests = customers.requests
        eventually(lambda: customers.requests > requests + 50)
    assert customers.failures == []
