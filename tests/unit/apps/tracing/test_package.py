"""The package for services outside of this repository: a wheel that traces without an app beside it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[4] / "apps" / "tracing"
SERVICE = """
import sys
from tracing import TracedApplication, Tracing, TracingSettings

def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]

environment = {"AWS_XRAY_DAEMON_ADDRESS": sys.argv[1], "XRAY_TRUST_INCOMING_SAMPLED": "true"}
tracing = Tracing(TracingSettings.from_environment(environment, "elsewhere"))
traced = TracedApplication(application, tracing)
header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
traced({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_AMZN_TRACE_ID": header}, lambda status, headers: None)
tracing.stop()
print("flask" in sys.modules, "opentelemetry" in sys.modules)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    copied = shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(copied)], check=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_a_wsgi_service_is_traced_with_nothing_but_the_wheel(wheel: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10)
        address = f"127.0.0.1:{daemon.getsockname()[1]}"
        code = f"import sys; sys.path.insert(0, {str(wheel)!r})\n{SERVICE}"
        ended = subprocess.run(
            [sys.executable, "-I", "-c", code, address], check=True, capture_output=True, text=True, timeout=60
        )
        segment = json.loads(daemon.recv(65_536).partition(b"\n")[2])

    assert (segment["name"], segment["trace_id"]) == ("elsewhere", "1-5759e988-bd862e3fe1be46a994272793")
    assert ended.stdout.split() == ["False", "False"]


def test_every_module_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True)
    modules = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py")}

    assert modules == {
        line.split()[0].removeprefix("tracing/") for line in listed.stdout.splitlines() if ".py " in line
    }
