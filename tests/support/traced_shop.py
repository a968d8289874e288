"""Both tiers of the shop as programs, on a real Redis and PostgreSQL, traced through the daemon's stand-in."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    common = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(APPS),
        "XRAY_TRUST_INCOMING_SAMPLED": "true",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "TOKEN_KEY_FILE": str(folder / "key"),
        "SESSION_KEY_FILE": str(folder / "key"),
    }
    for command in ("migrate", "seed"):
        subprocess.run(python("backend", command), env=common, check=True, stdout=subprocess.DEVNULL, timeout=60)
    with ExitStack() as programs:
        daemon = programs.enter_context(program("xraydaemon", "AWS_XRAY_DAEMON_ADDRESS", environment(endpoint)))
        common["AWS_XRAY_DAEMON_ADDRESS"] = f"127.0.0.1:{daemon}"
        backend = programs.enter_context(program("backend", "BACKEND_PORT", common))
        common["INTERNAL_API_URL"] = f"http://127.0.0.1:{backend}"
        yield TracedShop(programs.enter_context(program("frontend", "FRONTEND_PORT", common)))


def python(*arguments: str) -> list[str]:
    """The command that runs one of the apps."""
    return [sys.executable, "-m", *arguments]


@contextmanager
def program(name: str, port_variable: str, environ: dict[str, str]) -> Iterator[int]:
    """Runs a program on a port that is free at this moment; yields the port."""
    port = free_port()
    told = f"127.0.0.1:{port}" if port_variable.endswith("_ADDRESS") else str(port)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(python(name), port, env={**environ, port_variable: told}, **quiet):
        yield port
