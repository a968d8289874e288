"""The AWS stand-in and the X-Ray daemon's, started for a benchmark as a user would start them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import orjson
import psutil
from support.servers import free_port, running
from support.xray_daemon import APPS, RunningDaemon, environment

DRAIN_SECONDS: Final = 60
_SCOPE: Final = "AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/xray/aws4_request"
_HEADERS: Final = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential={_SCOPE}, SignedHeaders=host, Signature=0",
    "Content-Type": "application/json",
}


@dataclass(frozen=True)
class StandIn:
    """A running stand-in: its port and its process."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def rss_mb(self) -> float:
        """Its resident memory, in millions of bytes."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    @property
    def cpu_seconds(self) -> float:
        """The CPU it has used, user and system."""
        return float(sum(psutil.Process(self.pid).cpu_times()[:2]))

    @contextmanager
    def connection(self) -> Iterator[HTTPConnection]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """A stand-in with nothing in it, which has answered."""
    environ, port = {**os.environ, "PYTHONPATH": str(APPS)}, free_port()
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        running(_command(Path(folder), port), port, env=environ, stderr=subprocess.DEVNULL) as process,
    ):
        started = StandIn(port, process.pid)
        with started.connection() as connection:
            called(connection, "/GetSamplingRules", b"{}")
        yield started


def _command(folder: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "localaws", "serve", "--port", str(port), "--state-dir", str(folder / "state")]


def called(connection: HTTPConnection, path: str, body: bytes) -> dict[str, Any]:
    """One call of X-Ray over a connection that stays. Raises RuntimeError where it is refused."""
    connection.request("POST", path, body, _HEADERS)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} answers {response.status}: {content!r}")
    answer: dict[str, Any] = orjson.loads(content)
    return answer


def window() -> dict[str, float]:
    """The last hour, as X-Ray's operations want it."""
    now = time.time()
    return {"StartTime": now - 3600, "EndTime": now + 60}


def pages(started: StandIn, **filters: str) -> tuple[list[dict[str, Any]], list[float]]:
    """Reads every page of summaries; the summaries, and the milliseconds of each page."""
    parameters: dict[str, Any] = {**window(), **filters}
    summaries: list[dict[str, Any]] = []
    taken = []
    with started.connection() as connection:
        while True:
            began = time.monotonic()
            page = called(connection, "/TraceSummaries", orjson.dumps(parameters))
            taken.append((time.monotonic() - began) * 1000)
            summaries += page["TraceSummaries"]
            if "NextToken" not in page:
                return summaries, taken
            parameters["NextToken"] = page["NextToken"]


def stored(started: StandIn) -> int:
    """The segments that the stand-in holds, by its summaries: a trace's revision counts its segments."""
    summaries, _unused = pages(started)
    return sum(int(summary["Revision"]) for summary in summaries)


@contextmanager
def xray_daemon(started: StandIn, **variables: str) -> Iterator[RunningDaemon]:
    """A daemon before a stand-in."""
    port = free_port()
    address = {"AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{port}"}
    environ = environment(started.url, **address, **variables)
    with running([sys.executable, "-m", "xraydaemon"], port, env=environ, stderr=subprocess.DEVNULL) as process:
        process_of_text: Any = process
        yield RunningDaemon(process_of_text, port)


def drained(daemon: RunningDaemon, sent: int) -> dict[str, int]:
    """The daemon's counts once it has passed on what it received, or as they are when the time is over."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        stats = daemon.stats()
        done = stats["queued"] == 0 and stats["received"] + stats["lost_in_socket"] >= sent
        if done or time.monotonic() > deadline:
            return stats
        time.sleep(0.1)
