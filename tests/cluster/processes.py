"""The cluster's processes as this machine sees them, found by their command lines: no file can name a wrong one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cluster.layout import SOURCES, Layout

_ENDS_WITHIN_SECONDS: Final = 15.0


def command(module: str, layout: Layout, *arguments: str) -> list[str]:
    """The command line of a long-running module of this package; it names the cluster by its folder."""
    return [sys.executable, "-m", f"cluster.{module}", str(layout.state), *arguments]


def find(layout: Layout, module: str, *arguments: str) -> list[int]:
    """The processes of this machine with such a command line, also those whose parents wrap them in namespaces."""
    wanted = command(module, layout, *arguments)[1:]
    return [pid for pid, parts in _command_lines() if _holds(parts, wanted)]


def find_inner(layout: Layout, part: str) -> int | None:
    """The first process in a part's own namespaces."""
    wanted = command("inside", layout, part)[1:]
    found = [pid for pid, parts in _command_lines() if parts[1 : 1 + len(wanted)] == wanted]
    return found[0] if found else None


def enter(layout: Layout, part: str, arguments: Sequence[str]) -> list[str]:
    """The command line that runs one in a part's namespaces. Raises LookupError where the part does not run."""
    pid = find_inner(layout, part)
    if pid is None:
        raise LookupError(f"{part} of the cluster {layout.name} does not run")
    return ["nsenter", "--target", str(pid), "--mount", "--net", "--uts", "--pid", "--", *arguments]


def start(arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Starts a process of its own session, whose words go to a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            env=environment(),
            cwd="/",
        )


def environment() -> dict[str, str]:
    """The environment of the cluster's own processes: they import this package and find system programs."""
    system = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *system])
    kept = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME", "LANG") if name in os.environ}
    return {**kept, "PATH": path, "PYTHONPATH": str(SOURCES.parent), "PYTHONDONTWRITEBYTECODE": "1"}


def kill(pids: Sequence[int]) -> None:
    """Ends processes at once and returns when they are gone. Raises TimeoutError."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + _ENDS_WITHIN_SECONDS
    while left := [pid for pid in pids if _lives(pid)]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the processes {left} did not end within {_ENDS_WITHIN_SECONDS:.0f} s")
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    """A zombie does not: its parent may be somebody who takes it away later."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _command_lines() -> list[tuple[int, list[str]]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words:
            found.append((int(folder.name), words.decode(errors="replace").rstrip("\0").split("\0")))
    return found


def _holds(words: list[str], wanted: list[str]) -> bool:
    return any(words[start : start + len(wanted)] == wanted for start in range(len(words)))
