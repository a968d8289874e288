"""`python -m backend` as a role runs it: tables, content, and serving over HTTP until SIGTERM."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from support.segments import SegmentReceiver, rules_server, sampling_rule
from support.servers import free_port, running
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[4] / "apps"


@pytest.fixture(scope="module")
def environ(
    empty_database_url: str, flushed_redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("backend")
    (folder / "key").write_bytes(secrets.token_bytes(32))
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APPS),
        "PYTHONWARNINGS": "error",
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": flushed_redis_url,
        "TOKEN_KEY_FILE": str(folder / "key"),
        "BACKEND_PORT": str(free_port()),
        "ARGON2_MEMORY_KIB": "8",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{free_port()}",
    }


@pytest.fixture(scope="module")
def accounts_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("accounts") / "accounts.json"
    file.write_text(json.dumps([{"email": "ada@example.com", "password": "ada-password", "name": "Ada"}]))
    return file


def _run(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def _report(environ: dict[str, str], *arguments: str) -> dict[str, Any]:
    result = _run(environ, *arguments)
    assert (result.returncode, result.stderr) == (0, "")
    [line] = result.stdout.splitlines()
    report: dict[str, Any] = json.loads(line)
    return report


def _get(port: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_tables_and_content_are_planned_made_and_left_alone(environ: dict[str, str], accounts_file: Path) -> None:
    seed = ("seed", "--accounts-file", str(accounts_file))
    wanted = {"products": 64, "users": 1}
    assert _report(environ, *seed, "--check") == {"changed": True, **wanted}
    planned = _report(environ, "migrate", "--check")
    assert planned["changed"] is True
    assert _report(environ, "migrate") == planned
    assert _report(environ, "migrate") == planned | {"changed": False, "from": planned["to"], "steps": []}
    assert _report(environ, *seed, "--check") == {"changed": True, **wanted}
    assert _report(environ, *seed) == {"changed": True, **wanted}
    assert _report(environ, *seed) == {"changed": False, **wanted}
    accounts_file.write_text(accounts_file.read_text().replace("ada-password", "new-password"))
    assert _report(environ, *seed, "--check") == {"changed": True, **wanted}
    assert _report(environ, *seed) == {"changed": True, **wanted}
    assert _report(environ, *seed) == {"changed": False, **wanted}


@pytest.mark.parametrize(
    ("changes", "arguments", "named"),
    [
        ({"TOKEN_KEY_FILE": ""}, (), "TOKEN_KEY_FILE"),
        ({"DATABASE_URL": "postgresql+psycopg://shop@127.0.0.1:1/shop"}, ("migrate",), "DATABASE_URL"),
        ({}, ("seed", "--accounts-file", "/no/such/file"), "--accounts-file"),
        ({"ADMIN_ACCOUNT_FILE": "/no/such/file"}, ("seed",), "ADMIN_ACCOUNT_FILE"),
    ],
)
def test_bad_input_ends_with_one_line_that_names_it(
    environ: dict[str, str], changes: dict[str, str], arguments: tuple[str, ...], named: str
) -> None:
    result = _run(environ | changes, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    [line] = result.stderr.splitlines()
    assert named in line


def test_busy_port_ends_with_one_line_that_names_it(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environ["BACKEND_PORT"]))):
        result = _run(environ)
    assert (result.returncode, result.stdout) == (2, "")
    [line] = result.stderr.splitlines()
    assert "BACKEND_PORT" in line


@contextmanager
def _serving(environ: dict[str, str], receiver: SegmentReceiver, **changes: str) -> Iterator[str]:
    """Two processes that serve, traced by the daemon's rule; yields their port. They end by SIGTERM."""
    assert _run(environ, "migrate").returncode == _run(environ, "seed").returncode == 0
    with rules_server(sampling_rule()) as rules:
        port = free_port()
        daemon = "tcp:{}:{} udp:{}:{}".format(*rules.address, *receiver.address)
        own = {"BACKEND_WORKERS": "2", "BACKEND_PORT": str(port), "AWS_XRAY_DAEMON_ADDRESS": daemon}
        environ = (
            environ | own | {"RATE_LIMITS": "off", "TMPDIR": str(Path(environ["TOKEN_KEY_FILE"]).parent)} | changes
        )
        del environ["PYTHONWARNINGS"]  # aws-xray-sdk leaves a socket open when its process ends
        with running([sys.executable, "-m", "backend"], port, env=environ) as process:
            yield str(port)
            process.terminate()
            assert process.wait(timeout=8) == 0


def test_it_serves_counts_and_traces_over_two_processes(
    environ: dict[str, str], receiver: SegmentReceiver, redis: Redis
) -> None:
    with _serving(environ, receiver) as port:
        for _unused in range(40):
            status, body = _get(port, "/api/catalog/categories")
            assert (status, json.loads(body)["success"]) == (200, True)
        segments = [receiver.next() for _unused in range(40)]
        counted = 'http_requests_total{method="GET",route="/api/catalog/categories",status="200"} 40.0'
        eventually(lambda: counted in _get(port, "/metrics")[1].decode())
        assert _get(port, "/metrics/cache")[0] == _get(port, "/ready")[0] == 200
    assert receiver.pending() == []
    assert {segment["http"]["request"]["client_ip"] for segment in segments} == {"127.0.0.1"}
    assert sum(int(count or 0) for count in redis.hmget("metrics:cache", ["hits", "misses"])) == 40
    assert list(Path(environ["TOKEN_KEY_FILE"]).parent.glob("backend-metrics-*")) == []


def test_each_process_hears_of_invalidations_itself(
    environ: dict[str, str], receiver: SegmentReceiver, redis: Redis
) -> None:
    with _serving(environ, receiver):
        eventually(lambda: len(_tracking(redis)) == 2)
        for client in _tracking(redis):
            redis.client_kill(client["addr"])
        eventually(lambda: len(_tracking(redis)) == 2)
    assert _tracking(redis) == []


def _tracking(redis: Redis) -> list[dict[str, str]]:
    """Redis' clients that hear of what changes, whose keys' prefix they told (broadcasting mode)."""
    clients: list[dict[str, str]] = redis.client_list()
    return [client for client in clients if {"t", "B"} <= set(client["flags"])]


def test_a_client_is_limited_over_its_connections(
    environ: dict[str, str], receiver: SegmentReceiver, redis: Redis
) -> None:
    with _serving(environ, receiver, RATE_LIMITS="on", RATE_LIMIT_GENERAL="2/10000000") as port:
        statuses = [_get(port, "/api/search/popular")[0] for _unused in range(4)]
    assert statuses == [200, 200, 429, 429]


HOST = b" HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n"
JSON_POST = b"POST /api/auth/login" + HOST + b"Content-Type: application/json\r\n"
# What the server refuses itself has no body; what reaches the app has the one shape of errors.
RAW = [
    (b"nonsense\r\n\r\n", 400, ""),
    (b"GET /api/\xff" + HOST + b"\r\n", 400, ""),
    (JSON_POST + b"Content-Length: many\r\n\r\n", 400, ""),
    (b"GET /api/search?q=" + b"a" * 70_000 + HOST + b"\r\n", 414, ""),
    (b"GET /health" + HOST + b"X: 1\r\n" * 200 + b"\r\n", 431, ""),
    (b"GET /api/" + b"a" * 9_000 + HOST + b"\r\n", 404, "not_found"),
    (b"GET /health HTTP/1.1\r\nHost: a..b\r\nConnection: close\r\n\r\n", 400, "bad_request"),
    (b"BREW /health" + HOST + b"\r\n", 405, "method_not_allowed"),
    (JSON_POST + b"Content-Length: 999999\r\n\r\n", 413, "request_entity_too_large"),
    (JSON_POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, "validation_failed"),
]


def _raw(port: str, request: bytes) -> list[object]:
    """The status that is answered to some bytes, and the code of the error; "" where there is no body."""
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        body = answer.read()
        return [answer.status, json.loads(body)["error"]["code"] if body else ""]


def test_odd_bytes_over_the_wire_are_refused_or_answered(
    environ: dict[str, str], receiver: SegmentReceiver, redis: Redis
) -> None:
    odd = {"X-Amzn-Trace-Id": "\xff;;=", "Authorization": "Bearer \xe4", "X-Load-Test-Secret": "\xe4", "Host": "\xe4:x"}
    targets = ["/api/catalog/products/%ff", "/api/search?q=%00%ff", "/%2e%2e/%00", "/api/search?q=%", "/api/auth/me"]
    with _serving(environ, receiver) as port:
        answers = {target: _get(port, target, odd) for target in targets}
        refused = [_raw(port, request) for request, *_unused in RAW]
        well = _get(port, "/health")
    assert {target: status for target, (status, _unused) in answers.items() if status >= 500} == {}
    assert well[0] == 200
    assert refused == [expected for _unused, *expected in RAW]
