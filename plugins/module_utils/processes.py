# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starting and ending what a supervisor runs: free ports beforehand, readiness afterwards, the log where it failed."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterable
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.urls import open_url
from ansible_collections.deepobs.eks.plugins.module_utils.supervisor import (
    EXITED,
    FATAL,
    RUNNING,
    STOPPED,
    Supervisor,
    SupervisorError,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import wait_until

_POLL_SECONDS = 0.1
_START_SECONDS = 10
_SHUTDOWN_SECONDS = 60
_PORT_RELEASE_SECONDS = 10  # what a killed supervisor ran may still be closing
# The processes shall not depend on whose shell happened to start their supervisor.
_INHERITED = ("HOME", "LANG", "PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_FAILED = {EXITED, FATAL}  # BACKOFF is tried again by the supervisor


def check_ports(processes: Iterable[dict[str, Any]]) -> None:
    """Raises SupervisorError naming the variable when a process' port stays taken by something else."""
    for process in processes:
        _wait_until_free(process)


def ensure_supervisor(supervisor: Supervisor, config: str, supervisord: str) -> None:
    """Writes the supervisor's configuration and starts it where it does not answer."""
    for folder in (supervisor.directory, supervisor.directory / "conf.d", supervisor.directory / "logs"):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    supervisor.config.write_text(config)
    if supervisor.states() is not None:
        return
    command = [supervisord, "-c", str(supervisor.config)]
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise SupervisorError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr or done.stdout}")
    _wait_for(lambda: supervisor.states() is not None, _START_SECONDS, f"{supervisord} does not answer")


def end_supervisor(supervisor: Supervisor) -> None:
    """Stops every process and the supervisor; returns when it is gone."""
    process_id = supervisor.process_id()
    supervisor.shutdown()
    _wait_for(lambda: not _exists(process_id), _SHUTDOWN_SECONDS, "the supervisor did not end")


def start(supervisor: Supervisor, process: dict[str, Any]) -> None:
    """Starts one process on a free port. Raises SupervisorError naming the port's variable when the port is taken."""
    _wait_until_free(process)
    supervisor.start(process["name"])


def wait_until_ready(supervisor: Supervisor, process: dict[str, Any]) -> None:
    """Returns when a process is ready: its URL or port answers; one that has neither has run for a second.

    Raises SupervisorError quoting the process' last lines when it ends or is not ready in time.
    """
    name, timeout_seconds = process["name"], process["ready_timeout_seconds"]
    sight, settled = wait_until(lambda: _look(supervisor, process), _is_final, timeout_seconds, _POLL_SECONDS)
    if not settled:
        raise SupervisorError(_failure(supervisor, name, f"was not ready in {timeout_seconds} s"))
    if not sight.ready:
        raise SupervisorError(_failure(supervisor, name, f"ended before it was ready ({sight.state})"))


class _Sight(NamedTuple):
    state: str
    ready: bool


def _look(supervisor: Supervisor, process: dict[str, Any]) -> _Sight:
    state = (supervisor.states() or {}).get(process["name"], STOPPED)
    return _Sight(state, state not in _FAILED and _ready(process, state))


def _is_final(_before: _Sight | None, now: _Sight) -> bool:
    return now.ready or now.state in _FAILED


def _wait_until_free(process: dict[str, Any]) -> None:
    if process["port"]:
        _wait_for(lambda: not _listens(process["port"]), _PORT_RELEASE_SECONDS, _taken(process))


def _taken(process: dict[str, Any]) -> str:
    return (
        f"port {process['port']} for {process['name']} is in use by another program: "
        f"stop that program, or set {process['port_variable']} to a free port"
    )


def _failure(supervisor: Supervisor, name: str, what: str) -> str:
    tail = supervisor.log_tail(name) or "(it printed nothing)"
    return f"{name} {what}. The end of {supervisor.log_file(name)}:\n{tail}"


def _wait_for(condition: Callable[[], bool], timeout_seconds: float, message: str) -> None:
    outcome = wait_until(condition, lambda _before, holds: holds, timeout_seconds, _POLL_SECONDS)
    if not outcome.settled:
        raise SupervisorError(message)


def _ready(process: dict[str, Any], state: str) -> bool:
    if process["ready_url"]:
        return _answers(process["ready_url"])
    return _listens(process["port"]) if process["port"] else state == RUNNING


def _answers(url: str) -> bool:
    try:
        open_url(url, timeout=2).close()
    except (OSError, HTTPException):  # URLError and HTTPError are kinds of OSError
        return False
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _exists(process_id: int) -> bool:
    """Whether a process runs; one that ended and waits for a parent to ask for it, as in a container, does not."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter where it goes while it is read
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
