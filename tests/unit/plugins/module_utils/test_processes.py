"""Free ports beforehand, readiness afterwards: real sockets and programs, a supervisor with states of our choice."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils import processes
from ansible_collections.deepobs.eks.plugins.module_utils.processes import (
    check_ports,
    end_supervisor,
    ensure_supervisor,
    start,
    wait_until_ready,
)
from ansible_collections.deepobs.eks.plugins.module_utils.supervisor import Supervisor, SupervisorError
from support.fake_shop import Answer, running_shop
from support.servers import free_port
from support.waiting import eventually

States = dict[str, str] | None


class ToldSupervisor(Supervisor):
    """A supervisor that tells states in turn, the last of them for ever, and keeps what it was asked to do."""

    def __init__(self, folder: Path, *states: States) -> None:
        super().__init__(str(folder))
        self._states = list(states)
        self.started: list[str] = []
        self.child: subprocess.Popen[bytes] | None = None
        self.ends_child = True

    def states(self) -> States:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def start(self, name: str) -> None:
        self.started.append(name)

    def process_id(self) -> int:
        assert self.child is not None
        return self.child.pid

    def shutdown(self) -> None:
        if self.ends_child and self.child is not None:
            self.child.kill()


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is waited for in vain."""
    for name in ("_START_SECONDS", "_SHUTDOWN_SECONDS", "_PORT_RELEASE_SECONDS"):
        monkeypatch.setattr(processes, name, 0.3)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A program that sleeps, which nobody asks for when it has ended."""
    child = subprocess.Popen(["sleep", "600"])
    yield child
    child.kill()
    child.wait()


def process(**options: Any) -> dict[str, Any]:
    return {
        "name": "web",
        "port": None,
        "port_variable": "shop_port",
        "ready_url": None,
        "ready_timeout_seconds": 0.3,
        **options,
    }


@contextmanager
def listening(answer: bytes = b"") -> Iterator[int]:
    """A port that accepts, gives each who comes the same bytes and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def program(folder: Path, source: str) -> str:
    path = folder / "supervisord"
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(0o755)
    return str(path)


def test_process_is_ready_once_its_url_answers_below_400(tmp_path: Path) -> None:
    supervisor = ToldSupervisor(tmp_path, {"web": "RUNNING"})
    with running_shop() as shop:
        shop.special["/ready"] = Answer(503)

        def recover() -> None:
            eventually(lambda: shop.requests["/ready"] > 0)
            del shop.special["/ready"]

        recovering = threading.Thread(target=recover)
        recovering.start()
        wait_until_ready(supervisor, process(ready_url=f"{shop.url}/ready", ready_timeout_seconds=20))
        assert shop.requests["/ready"] > 1
        recovering.join()


def test_process_whose_url_fails_is_not_ready_in_time(tmp_path: Path) -> None:
    with running_shop() as shop:
        shop.special["/ready"] = Answer(503)
        with pytest.raises(SupervisorError, match=r"web was not ready in 0\.3 s"):
            wait_until_ready(ToldSupervisor(tmp_path, {"web": "RUNNING"}), process(ready_url=f"{shop.url}/ready"))


def test_process_that_speaks_no_http_is_not_ready_in_time(tmp_path: Path) -> None:
    with listening(b"220 mail, not the web\r\n") as port, pytest.raises(SupervisorError, match="was not ready in"):
        wait_until_ready(
            ToldSupervisor(tmp_path, {"web": "RUNNING"}), process(ready_url=f"http://127.0.0.1:{port}/ready")
        )


def test_process_with_a_port_only_is_ready_once_it_accepts(tmp_path: Path) -> None:
    supervisor = ToldSupervisor(tmp_path, {"web": "STARTING"})
    with listening() as port:
        wait_until_ready(supervisor, process(port=port))
    with pytest.raises(SupervisorError, match="was not ready in"):
        wait_until_ready(supervisor, process(port=free_port()))


def test_process_with_neither_is_ready_once_it_has_run_for_a_second(tmp_path: Path) -> None:
    states: list[States] = [None, {}, {"web": "STARTING"}, {"web": "BACKOFF"}, {"web": "STARTING"}, {"web": "RUNNING"}]
    supervisor = ToldSupervisor(tmp_path, *states)
    wait_until_ready(supervisor, process(ready_timeout_seconds=10))
    with pytest.raises(SupervisorError, match="was not ready in"):
        wait_until_ready(ToldSupervisor(tmp_path, *states[:-1]), process())


@pytest.mark.parametrize("state", ["EXITED", "FATAL"])
def test_process_that_ended_is_not_ready_though_another_has_its_port(tmp_path: Path, state: str) -> None:
    supervisor = ToldSupervisor(tmp_path, {"web": state})
    log = supervisor.log_file("web")
    log.parent.mkdir()
    log.write_text("no database\n")
    with listening() as port, pytest.raises(SupervisorError) as caught:
        wait_until_ready(supervisor, process(port=port, ready_timeout_seconds=10))
    assert str(caught.value) == f"web ended before it was ready ({state}). The end of {log}:\nno database"


def test_process_that_printed_nothing_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(SupervisorError, match=r"\(it printed nothing\)"):
        wait_until_ready(ToldSupervisor(tmp_path, {"web": "FATAL"}), process())


def test_ports_that_are_free_or_become_free_are_fine() -> None:
    holder = socket.create_server(("127.0.0.1", 0))
    timer = threading.Timer(0.1, holder.close)
    timer.start()
    check_ports([process(), process(port=free_port()), process(port=holder.getsockname()[1])])
    assert holder.fileno() == -1
    timer.join()


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("entry", [check_ports, None], ids=["check", "start"])
def test_port_that_stays_taken_is_refused_with_its_variable(
    tmp_path: Path, entry: Callable[[list[dict[str, Any]]], None] | None
) -> None:
    supervisor = ToldSupervisor(tmp_path, {})
    with listening() as port, pytest.raises(SupervisorError) as caught:
        entry([process(port=port)]) if entry else start(supervisor, process(port=port))
    assert str(caught.value) == (
        f"port {port} for web is in use by another program: stop that program, or set shop_port to a free port"
    )
    assert supervisor.started == []


def test_process_is_started_on_a_free_port(tmp_path: Path) -> None:
    supervisor = ToldSupervisor(tmp_path, {})
    start(supervisor, process(port=free_port()))
    assert supervisor.started == ["web"]


def test_supervisor_that_answers_gets_its_new_configuration_and_no_rival(tmp_path: Path) -> None:
    supervisor = ToldSupervisor(tmp_path / "p", {})
    ensure_supervisor(supervisor, "new", "/nonexistent/supervisord")
    assert supervisor.config.read_text() == "new"
    assert sorted(path.name for path in supervisor.directory.iterdir()) == ["conf.d", "logs", "supervisord.conf"]


def test_supervisor_is_started_with_its_configuration_and_little_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_IN_THIS_SHELL", "1")
    supervisor = ToldSupervisor(tmp_path / "p", None, None, {})
    told = tmp_path / "told"
    source = f"import os, sys; open({str(told)!r}, 'w').write(' '.join([*sys.argv[1:], *os.environ]))"
    ensure_supervisor(supervisor, "config", program(tmp_path, source))
    flag, config, *variables = told.read_text().split()
    assert (flag, config) == ("-c", str(supervisor.config))
    assert "PATH" in variables
    assert "ONLY_IN_THIS_SHELL" not in variables


@pytest.mark.parametrize("stream", ["stderr", "stdout"])
def test_supervisor_that_fails_is_quoted(tmp_path: Path, stream: str) -> None:
    failing = program(tmp_path, f"import sys; print('no room left', file=sys.{stream}); sys.exit(7)")
    with pytest.raises(SupervisorError, match=r"supervisord -c .*supervisord\.conf ended with 7: no room left"):
        ensure_supervisor(ToldSupervisor(tmp_path / "p", None), "config", failing)


@pytest.mark.usefixtures("short_patience")
def test_supervisor_that_starts_but_never_answers_is_named(tmp_path: Path) -> None:
    with pytest.raises(SupervisorError, match=r"/supervisord does not answer$"):
        ensure_supervisor(ToldSupervisor(tmp_path / "p", None), "config", program(tmp_path, ""))


def test_supervisor_that_ended_counts_as_gone_though_its_parent_has_not_asked(
    tmp_path: Path, child: subprocess.Popen[bytes]
) -> None:
    supervisor = ToldSupervisor(tmp_path, {})
    supervisor.child = child
    end_supervisor(supervisor)
    assert child.returncode is None
    assert child.wait() == -9


def test_supervisor_that_is_gone_at_once_is_gone(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    supervisor = ToldSupervisor(tmp_path, {})
    supervisor.child = child
    child.kill()
    child.wait()
    end_supervisor(supervisor)


@pytest.mark.usefixtures("short_patience")
def test_supervisor_that_does_not_end_is_reported(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    supervisor = ToldSupervisor(tmp_path, {})
    supervisor.child, supervisor.ends_child = child, False
    with pytest.raises(SupervisorError, match="the supervisor did not end"):
        end_supervisor(supervisor)
