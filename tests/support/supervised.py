"""A real supervisord with small programs, for tests of what asks it."""

from __future__ import annotations

import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from supervisor.xmlrpc import SupervisorTransport

_START_SECONDS = 20


@contextmanager
def supervisord(folder: Path, programs: Mapping[str, str]) -> Iterator[str]:
    """Runs supervisord with Python programs, given as source text; yields its URL once all of them run."""
    socket_path = folder / "supervisor.sock"
    sections = [
        f"[unix_http_server]\nfile={socket_path}",
        f"[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={folder / 'supervisord.pid'}",
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for name, source in programs.items():
        script = folder / f"{name}.py"
        script.write_text(source)
        quiet = "stdout_logfile=NONE\nstderr_logfile=NONE"
        sections.append(f"[program:{name}]\ncommand={sys.executable} {script}\nstartsecs=0\n{quiet}")
    configuration = folder / "supervisord.conf"
    configuration.write_text("\n".join(sections))
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(configuration)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"unix://{socket_path}"
        _wait_for_programs(url, len(programs), process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_for_programs(url: str, count: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while _running(url) < count:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"supervisord did not start {count} programs")
        time.sleep(0.05)


def _running(url: str) -> int:
    transport: xmlrpc.client.Transport = SupervisorTransport(serverurl=url)
    with xmlrpc.client.ServerProxy("http://supervisor", transport=transport) as proxy:
        try:
            programs = cast("list[dict[str, object]]", proxy.supervisor.getAllProcessInfo())
        except OSError:
            return 0
    return sum(bool(program["pid"]) for program in programs)
