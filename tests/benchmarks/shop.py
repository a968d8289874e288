"""The shop for benchmarks: its database with content, its Redis, and its two tiers."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import orjson
from benchmarks.servers import Server, serving
from support.playbooks import ROOT
from support.servers import postgresql_server, redis_server

ACCOUNTS: Final = 20
PASSWORD: Final = "a-password-for-benchmarks"


@dataclass(frozen=True)
class Shop:
    """A shop's database and Redis, and the secret by which its rate limits let a load pass."""

    variables: dict[str, str]
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        """What every request of a load bears."""
        return {"X-Load-Test-Secret": self.secret}

    def backend(self, **tracing: str) -> AbstractContextManager[Server]:
        """The API, one process."""
        return serving("backend", "BACKEND_PORT", self.variables | tracing)

    def frontend(self, backend: Server, **tracing: str) -> AbstractContextManager[Server]:
        """The storefront, one process."""
        address = {"INTERNAL_API_URL": f"http://127.0.0.1:{backend.port}"}
        return serving("frontend", "FRONTEND_PORT", self.variables | address | tracing)


@contextmanager
def shop() -> Iterator[Shop]:
    """A shop with its whole catalogue and some customers."""
    with tempfile.TemporaryDirectory(prefix="deepobs-", dir="/tmp") as name:
        folder = Path(name)
        for part in ("redis", "postgresql"):
            (folder / part).mkdir()
        with redis_server(folder / "redis") as redis_url, postgresql_server(folder / "postgresql") as database_url:
            made = _made(folder, redis_url, database_url)
            for command in (["migrate"], ["seed", "--accounts-file", str(_accounts(folder))]):
                _run(command, made.variables)
            yield made


def email(number: int) -> str:
    """A customer's address."""
    return f"customer-{number}@example.com"


def token(port: int, address: str, headers: Mapping[str, str]) -> str:
    """Logs a customer in. Raises RuntimeError where the backend refuses."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    body = orjson.dumps({"email": address, "password": PASSWORD})
    connection.request("POST", "/api/auth/login", body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{address} cannot log in: {answer.status} {content!r}")
    bearer: str = orjson.loads(content)["data"]["token"]
    return bearer


def _made(folder: Path, redis_url: str, database_url: str) -> Shop:
    for name in ("token.key", "session.key", "secret"):
        (folder / name).write_text(secrets.token_hex(32))
    variables = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TOKEN_KEY_FILE": str(folder / "token.key"),
        "SESSION_KEY_FILE": str(folder / "session.key"),
        "LOADTEST_SECRET_FILE": str(folder / "secret"),
    }
    return Shop(variables, (folder / "secret").read_text())


def _accounts(folder: Path) -> Path:
    accounts = [{"email": email(number), "password": PASSWORD, "name": "Ada"} for number in range(ACCOUNTS)]
    file = folder / "accounts.json"
    file.write_text(json.dumps(accounts))
    return file


def _run(command: list[str], variables: dict[str, str]) -> None:
    environ = {**os.environ, **variables, "PYTHONPATH": str(ROOT / "apps")}
    subprocess.run([sys.executable, "-m", "backend", *command], env=environ, check=True, stdout=subprocess.DEVNULL)
