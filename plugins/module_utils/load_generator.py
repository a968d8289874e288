# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the load generator as a child and shows how it goes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn

FINISHED, BAD_INPUT, THRESHOLDS_FAILED = 0, 2, 3
END_SECONDS = 15.0
TAIL_LINES = 15
_OPTIONS = {"output": "run_dir"}


def progress_line(event: dict[str, Any]) -> str:
    """A progress event of the generator in one line for a person."""
    p95 = "-" if event.get("p95_ms") is None else f"{event['p95_ms']:.0f} ms"
    errors = f"{event['errors']:,} error{'' if event['errors'] == 1 else 's'}"
    users = f"{event['users']:,} user{'' if event['users'] == 1 else 's'}"
    parts = (
        f"{event['elapsed_seconds']:.0f}/{event['total_seconds']:.0f} s",
        users,
        f"{event['requests_per_second']:,.0f} rps",
        f"p95 {p95}",
        errors,
    )
    return "  " + " · ".join(parts)


def run_generator(command: Sequence[str], apps_dir: Path, log: Path, show: Callable[[str], None]) -> int:
    """Runs the command to its end and shows each progress event; returns its exit code.

    What it writes beside its events goes to the log file. It runs in a process group of its own, which ends with
    this call: also when SIGINT or SIGTERM comes, or this process' parent dies, which then is a KeyboardInterrupt.
    """
    environment = {**os.environ, "PYTHONPATH": str(apps_dir)}
    with log.open("w", buffering=1, encoding="utf-8") as errors, _signals_interrupt():
        child = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True, encoding="utf-8", errors="replace", start_new_session=True,
        )  # fmt: skip
        with _ended(child):
            for event in _while_parent_lives(_events(child.stdout or (), errors)):
                if event.get("event") == "progress":
                    show(progress_line(event))
            return child.wait()


def _while_parent_lives(events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A playbook that is killed cannot tell its workers, and load that nobody waits for would spoil the next run."""
    parent = os.getppid()
    for event in events:
        if os.getppid() != parent:
            raise KeyboardInterrupt
        yield event


def _events(lines: Iterable[str], log: IO[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines; other lines go to the log."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            yield event
        else:
            log.write(line)


@contextmanager
def _ended(child: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever happens within, nothing of the child's group is left behind."""
    with child:
        try:
            yield
        finally:
            if child.poll() is None:
                _ask_to_end(child)
            _signal_group(child, signal.SIGKILL)
            child.wait()


def _ask_to_end(child: subprocess.Popen[str]) -> None:
    _signal_group(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(END_SECONDS)


def _signal_group(child: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of them may have ended
        os.killpg(child.pid, number)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGINT and SIGTERM raise KeyboardInterrupt once: Ansible's worker would die of them and leave the child."""
    handled = (signal.SIGINT, signal.SIGTERM)

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in handled:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def refusal(log: Path) -> str:
    """The generator's one line about bad input, with its option under the name it has here."""
    line = next(reversed(tail(log).splitlines()), "bad input")
    return re.sub(r"^--([a-z-]+)", lambda option: _OPTIONS.get(option[1], option[1].replace("-", "_")), line)


def tail(log: Path) -> str:
    """The last lines of the log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])
