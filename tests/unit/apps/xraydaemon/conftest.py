"""The daemon run as its users run it, as a program, against a small X-Ray over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest
from support.http_thread import http_thread
from support.servers import free_port, wait_for_port
from support.xray_daemon import FakeXRay, RunningDaemon, Start, environment


@pytest.fixture
def xray() -> Iterator[tuple[FakeXRay, str]]:
    """The fake and its URL."""
    fake = FakeXRay()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = fake.answer(self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http_thread(Handler) as port:
        yield fake, f"http://127.0.0.1:{port}"


@pytest.fixture
def start_daemon() -> Iterator[Start]:
    """Starts daemons and ends those that the test did not end."""
    started: list[RunningDaemon] = []

    def start(endpoint: str, **more: str) -> RunningDaemon:
        port = free_port()
        variables = environment(endpoint, AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{port}", **more)
        command = [sys.executable, "-m", "xraydaemon"]
        process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True)
        started.append(RunningDaemon(process, port))
        wait_for_port(port, process)  # type: ignore[arg-type]
        return started[-1]

    yield start
    for daemon in started:
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.communicate()


@pytest.fixture
def daemon_environment() -> dict[str, str]:
    """The variables of a daemon that will not get as far as AWS."""
    return environment("http://127.0.0.1:9")
