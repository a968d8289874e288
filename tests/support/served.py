"""The tiers as they are run in production, by `python -m`, and raw HTTP to them."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from support.servers import free_port, running
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[2] / "apps"


@contextmanager
def served_backend(
    folder: Path, database_url: str, redis_url: str, **changes: str
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A backend of two processes before a seeded database, without limits and traces; yields its port and itself.

    What it writes to stderr is in `backend.log` of the folder.
    """
    key = folder / "token.key"
    key.write_bytes(secrets.token_bytes(32))
    environ = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TOKEN_KEY_FILE": str(key),
        "BACKEND_WORKERS": "2",
        "RATE_LIMITS": "off",
        "ARGON2_MEMORY_KIB": "8",
    }
    with _served("backend", folder, environ | changes) as served:
        yield served


@contextmanager
def served_frontend(
    folder: Path, internal_api_url: str, **changes: str
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A storefront of two processes before a backend; yields its port and itself."""
    key = folder / "session.key"
    key.write_bytes(secrets.token_bytes(32).hex().encode())
    environ = {"INTERNAL_API_URL": internal_api_url, "SESSION_KEY_FILE": str(key), "FRONTEND_WORKERS": "2"}
    with _served("frontend", folder, environ | changes) as served:
        yield served


@contextmanager
def _served(name: str, folder: Path, environ: dict[str, str]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APPS), "TMPDIR": str(folder), "TRACING": "off"}
    own[f"{name.upper()}_PORT"] = str(port)
    command = [sys.executable, "-m", name]
    log = (folder / f"{name}.log").open("wb")
    with log, running(command, port, env=own | environ, stderr=log) as process:
        yield port, process


@dataclass
class Asked:
    """What became of requests that were sent: the status of each answer, and the ends of connections without one."""

    answered: list[int] = field(default_factory=list)
    lost: list[OSError] = field(default_factory=list)


def ask_until_it_ends(port: int, process: subprocess.Popen[bytes], paths: list[str]) -> Asked:
    """Tells a server to end while a client for each path asks again and again, and one has only just connected."""
    asked, stopped = Asked(), threading.Event()
    with ThreadPoolExecutor(len(paths)) as pool:
        try:
            for path in paths:
                pool.submit(_ask, port, path, asked, stopped)
            eventually(lambda: len(asked.answered) > 100)
            early = connected(port)
            process.terminate()
            time.sleep(0.05)
            early.sendall(request(paths[0]))
            asked.answered.append(answer(early)[0])
            assert process.wait(timeout=20) == 0
        finally:
            stopped.set()
    return asked


def _ask(port: int, path: str, asked: Asked, stopped: threading.Event) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    while not stopped.is_set():
        try:
            connection.connect()
        except OSError:
            return  # nobody is there any more, and nothing was sent
        while connection.sock is not None and not stopped.is_set():
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
            except OSError as problem:
                asked.lost.append(problem)
                return
            asked.answered.append(response.status)
    connection.close()


def connected(port: int, sent: bytes = b"", timeout_seconds: float = 30) -> socket.socket:
    """A connection on which this was sent; reading from it raises TimeoutError after so long."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout_seconds)
    connection.sendall(sent)
    return connection


def request(path: str, method: str = "GET", body: bytes = b"", *headers: str) -> bytes:
    """The bytes of a request after whose answer the connection is closed."""
    lines = [f"{method} {path} HTTP/1.1", "Host: shop", "Connection: close", *headers]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and what follows of the one answer on a connection, which this closes; (0, b"") where there was none."""
    with connection:
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    return (int(received.split(b" ", 2)[1]), received) if received else (0, b"")
