"""A small tier that is served for real: its processes, their counters, and how they end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from serving.server import AddressError, Tier, serve
from support.servers import free_port, running
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[4] / "apps"
COUNTING = """
import os
from prometheus_client import CollectorRegistry
from serving.flusher import Flusher
from serving.measured import ROUTE, MeasuredApplication
from serving.metrics import HttpMetrics
from serving.server import factory

@factory
def app():
    metrics = HttpMetrics(lambda: (0, 0, 0, 0))

    def answer(environ, start_response):
        environ[ROUTE] = environ["PATH_INFO"]
        start_response("200 OK", [])
        return [metrics.exposition()]

    Flusher(metrics.flush).start()
    return MeasuredApplication(answer, metrics)
"""
STARTING = """
import os, socket
from serving.server import factory

@factory
def app():
    with socket.create_connection(("127.0.0.1", int(os.environ["STARTING_PORT"]))) as told:
        told.recv(1)
"""


def _environ(folder: Path, module: str, **more: str) -> dict[str, str]:
    """An environment in which the tier `shop` with this module can be imported."""
    (folder / "shop").mkdir()
    (folder / "shop" / "wsgi.py").write_text(module)
    path = os.pathsep.join([str(APPS), str(folder)])
    return {"PATH": os.environ["PATH"], "PYTHONPATH": path, "TMPDIR": str(folder)} | more


def _command(port: int, workers: int) -> list[str]:
    tier = f"Tier('shop', '127.0.0.1', {port}, {workers}, 2)"
    return [sys.executable, "-c", f"from serving.server import Tier, serve; serve({tier})"]


def _read(port: int, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return str(answer.read().decode())


def test_processes_share_their_counters_in_a_folder_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    with running(_command(port, 2), port, env=_environ(tmp_path, COUNTING)) as process:
        for _unused in range(20):
            _read(port, "/list")
        counted = 'http_requests_total{method="GET",route="/list",status="200"} 20.0'
        eventually(lambda: counted in _read(port, "/metrics"))
        assert len(list(tmp_path.glob("shop-metrics-*"))) == 1
        process.terminate()
        assert process.wait(timeout=8) == 0
    assert list(tmp_path.glob("shop-metrics-*")) == []


def test_given_folder_is_emptied_of_an_earlier_run_and_kept(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "given" / "metrics"
    folder.mkdir(parents=True)
    (folder / "counter_1.db").write_bytes(b"left over, and no counters at all")
    with running(_command(port, 1), port, env=_environ(tmp_path, COUNTING, PROMETHEUS_MULTIPROC_DIR=str(folder))):
        _read(port, "/list")
        assert "http_requests_total" in _read(port, "/metrics")
        assert not (folder / "counter_1.db").exists()
    assert list(folder.glob("*.db")) != []


def test_process_that_is_told_to_stop_while_it_starts_ends(tmp_path: Path) -> None:
    """Where it did not, granian would kill it after ten seconds."""
    with socket.create_server(("127.0.0.1", 0)) as starting:
        starting.settimeout(30)
        environ = _environ(tmp_path, STARTING, STARTING_PORT=str(starting.getsockname()[1]))
        with subprocess.Popen(_command(free_port(), 1), env=environ) as process:
            told, _unused = starting.accept()
            with told:
                process.terminate()
                assert process.wait(timeout=8) == 0


def test_file_that_a_starting_process_has_not_filled_yet_is_no_failure(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "metrics"
    with running(_command(port, 1), port, env=_environ(tmp_path, COUNTING, PROMETHEUS_MULTIPROC_DIR=str(folder))):
        _read(port, "/list")
        (folder / "counter_1.db").touch()
        assert 'route="/list"' in _read(port, "/metrics")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_processes_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    port = free_port()
    with running(_command(port, 2), port, env=_environ(tmp_path, COUNTING)) as process:
        _read(port, "/list")
        workers = psutil.Process(process.pid).children()
        process.kill()
        process.wait()
        gone, alive = psutil.wait_procs(workers, timeout=30)
    assert gone != []
    assert alive == []


@pytest.mark.parametrize("host", ["127.0.0.1", "name.invalid"])
def test_address_that_cannot_be_had_names_its_variables(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=rf"cannot listen on {host}:{port}: .*; set SHOP_HOST or SHOP_PORT"):
            serve(Tier("shop", host, port, 1, 1))
