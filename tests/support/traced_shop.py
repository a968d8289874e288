"""Both tiers of the shop as programs, on a real Redis and PostgreSQL, traced through the daemon's stand-in."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from support.servers import free_port, running
from support.xray_daemon import APPS, environment


@dataclass(frozen=True)
class TracedShop:
    """A storefront that is up; it obeys a sampling decision that comes with a request."""

    port: int

    def get(self, path: str, trace_id: str) -> int:
        """Asks for a page in a trace that is sampled; returns the status once the page is whole."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"X-Amzn-Trace-Id": f"Root={trace_id};Sampled=1"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()


@contextmanager
def traced_shop(folder: Path, endpoint: str, database_url: str, redis_url: str) -> Iterator[TracedShop]:
    """Runs daemon, backend and storefront; the database gets tables and goods, AWS is at the endpoint."""
    (folder / "key").write_bytes(secrets.token_bytes(32))
    daemon, backend, frontend = free_port(), free_port(), free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APPS),
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon}",
        "XRAY_TRUST_INCOMING_SAMPLED": "true",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TOKEN_KEY_FILE": str(folder / "key"),
        "SESSION_KEY_FILE": str(folder / "key"),
        "BACKEND_PORT": str(backend),
        "FRONTEND_PORT": str(frontend),
        "INTERNAL_API_URL": f"http://127.0.0.1:{backend}",
    }
    for command in ("migrate", "seed"):
        subprocess.run(_python("backend", command), env=environ, check=True, stdout=subprocess.DEVNULL, timeout=60)
    with (
        _program("xraydaemon", daemon, environment(endpoint, AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{daemon}")),
        _program("backend", backend, environ),
        _program("frontend", frontend, environ),
    ):
        yield TracedShop(frontend)


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


@contextmanager
def _program(name: str, port: int, environ: dict[str, str]) -> Iterator[None]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(_python(name), port, env=environ, **quiet):
        yield
