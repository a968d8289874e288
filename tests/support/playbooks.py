"""Runs playbooks as a user does, each platform in a state folder and on ports of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
_PLAY_SECONDS = 600
_ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


@dataclass(frozen=True)
class Played:
    """What a playbook left: its exit code, what it printed, and each task's result in order."""

    return_code: int
    output: str
    tasks: list[dict[str, Any]] = field(repr=False)

    def changed(self, *, outside: str = "") -> list[str]:
        """The names of the tasks that changed something, without those of a role."""
        return [task["name"] for task in self.tasks if task["changed"] and not (outside and outside in task["name"])]


@dataclass(frozen=True)
class Platform:
    """A process platform: where it lies, and what tells its playbooks so."""

    state_dir: Path
    variables: dict[str, Any]

    @property
    def runs_dir(self) -> Path:
        return self.state_dir / "runs"

    @property
    def environment(self) -> dict[str, str]:
        settings = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "DEEPOBS_STATE_DIR": str(self.state_dir),
            "DEEPOBS_RUNS_DIR": str(self.runs_dir),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        }
        return {**os.environ, **settings}

    def command(self, playbook: str, *arguments: str, **variables: Any) -> list[str]:
        extra = json.dumps({**self.variables, **variables})
        return [str(_ANSIBLE_PLAYBOOK), playbook, "-e", extra, *arguments]

    def play(self, playbook: str, *arguments: str, **variables: Any) -> Played:
        """Runs a playbook to its end."""
        done = subprocess.run(
            self.command(f"playbooks/{playbook}.yml", *arguments, **variables),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_PLAY_SECONDS,
            check=False,
        )
        return Played(done.returncode, done.stdout + done.stderr, _tasks(done.stdout))

    def play_and_kill(
        self, playbook: str, *arguments: str, at_task: str, after_seconds: float, **variables: Any
    ) -> None:
        """Kills a playbook with all its children some time into a task, as pulling the plug would."""
        process = subprocess.Popen(
            self.command(f"playbooks/{playbook}.yml", *arguments, **variables),
            cwd=ROOT,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        with process:
            lines: Iterable[str] = process.stdout or ()
            reached = any(line.startswith("TASK [") and at_task in line for line in lines)
            time.sleep(after_seconds)
            os.killpg(process.pid, signal.SIGKILL)
        if not reached:
            raise AssertionError(f"{playbook} ended before its task {at_task!r}")

    def url(self, service: str, path: str = "") -> str:
        port = {
            "backend": self.variables["deepobs_backend_port"],
            "frontend": self.variables["deepobs_frontend_port"],
            "aws": self.variables["local_environment_aws_port"],
            "xray-daemon": self.variables["deepobs_xray_daemon_address"].rsplit(":")[-1],
        }[service]
        return f"http://127.0.0.1:{port}{path}"


@contextmanager
def process_platform(name: str) -> Iterator[Platform]:
    """A platform that is stopped when the block ends."""
    with tempfile.TemporaryDirectory(prefix=f"deepobs-{name}-", dir="/tmp") as folder:
        state_dir = Path(folder)
        state_dir.chmod(0o755)  # PostgreSQL's own account must be able to enter
        platform = Platform(state_dir, _free_ports() | _installed_environment())
        try:
            yield platform
        finally:
            platform.play("teardown", "--tags", "local_environment")


def _installed_environment() -> dict[str, str]:
    """The tests' own environment, which has all the apps need, unless PostgreSQL's account could not enter it."""
    closed = any(not parent.stat().st_mode & 0o001 for parent in Path(sys.prefix).resolve().parents)
    return {} if closed and os.geteuid() == 0 else {"apps_environment_directory": sys.prefix}


def _free_ports() -> dict[str, Any]:
    """Ports that nothing uses, for every service of the process platform."""
    return {
        "local_environment_aws_port": free_port(),
        "deepobs_xray_daemon_address": f"127.0.0.1:{free_port()}",
        "deepobs_redis_port": free_port(),
        "deepobs_database_port": free_port(),
        "deepobs_backend_port": free_port(),
        "deepobs_frontend_port": free_port(),
        "local_environment_transition_seconds": 0.2,
    }


def _tasks(output: str) -> list[dict[str, Any]]:
    """Task names with whether they changed something, out of the default callback's lines."""
    tasks: list[dict[str, Any]] = []
    for line in output.splitlines():
        if line.startswith(("TASK [", "RUNNING HANDLER [")):
            tasks.append({"name": line.split("[", 1)[1].rpartition("]")[0], "changed": False})
        elif line.startswith("changed: [") and tasks:
            tasks[-1]["changed"] = True
    return tasks
