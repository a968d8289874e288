"""What the AWS stand-in's X-Ray bears: segments in, traces held, pages read, datagrams through the daemon.

Usage: python tests/benchmarks/localaws.py (by `make bench-localaws`, which sets the paths). Every part runs against
programs of its own, started as a user would start them. The bounds are absolute, since they are asked for so; what
else runs on the machine is told by the load average.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any, Final

import boto3
import orjson
import psutil
from benchmarks.figures import Bound, publish
from benchmarks.shop_segments import documents
from support.localaws import CLIENT_ENVIRONMENT
from support.servers import free_port, running
from support.xray_daemon import APPS, RunningDaemon, environment

BOUNDS: Final = {
    "segments_per_second": Bound(at_least=10_000),
    "rss_200k_mb": Bound(at_most=600),
    "summaries_page_ms": Bound(at_most=100),
    "filtered_page_ms": Bound(at_most=100),
    "start_seconds": Bound(at_most=2),
    "datagrams_not_received": Bound(at_most=0),
    "datagrams_lost": Bound(at_most=0),
}
SEGMENTS: Final = 200_000
BATCH_SEGMENTS: Final = 50
SENDERS: Final = 2
STARTS: Final = 3
READ_TRACES: Final = 45_000
DATAGRAMS_PER_SECOND: Final = 4_000
DATAGRAM_SECONDS: Final = 30
TICK_SECONDS: Final = 0.005
DRAIN_SECONDS: Final = 60
FILTER: Final = 'annotation.http_status = 500 AND service("ecommerce-backend") { fault }'
HEADER: Final = b'{"format":"json","version":1}\n'
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


def _command(folder: Path, port: int) -> list[str]:
    return [sys.executable, "-m", "localaws", "serve", "--port", str(port), "--state-dir", str(folder / "state")]


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


def called(connection: HTTPConnection, path: str, body: bytes) -> dict[str, Any]:
    """One call of X-Ray over a connection that stays. Raises RuntimeError where it is refused."""
    connection.request("POST", path, body, _HEADERS)
    response = connection.getresponse()
    content = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path} answers {response.status}: {content!r}")
    answer: dict[str, Any] = orjson.loads(content)
    return answer


def start() -> dict[str, float]:
    """From the start of the program to its first answer, and the CPU it took: medians of some starts."""
    taken, cpu = [], []
    for _unused in range(STARTS):
        began = time.monotonic()
        with stand_in() as started:
            taken.append(time.monotonic() - began)
            cpu.append(started.cpu_seconds)
    return {"start_seconds": statistics.median(taken), "start_cpu_seconds": statistics.median(cpu)}


def ingest_and_read() -> dict[str, float]:
    """Sends all segments, then reads them by pages."""
    told = documents()
    bodies = [_batch(list(islice(told, BATCH_SEGMENTS))) for _unused in range(SEGMENTS // BATCH_SEGMENTS)]
    figures = {"segment_bytes": sum(map(len, bodies)) / SEGMENTS}
    with stand_in() as started:
        figures["rss_empty_mb"] = started.rss_mb
        began = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as pool:
            refused = sum(pool.map(lambda share: _sent(started, share), [bodies[n::SENDERS] for n in range(SENDERS)]))
        figures["segments_per_second"] = SEGMENTS / (time.monotonic() - began)
        held_mb = started.rss_mb
        figures["segments_refused"] = float(refused)
        traces, page_ms = _pages(started)
        figures |= {
            "traces": float(len(traces)),
            "summaries_page_ms": statistics.median(page_ms),
            "pages": float(len(page_ms)),
        }
        found, page_ms = _pages(started, FilterExpression=FILTER)
        figures |= {"filtered_traces": float(len(found)), "filtered_page_ms": statistics.median(page_ms)}
        figures |= _read_by_boto3(started)
        figures["rss_200k_mb"] = max(held_mb, started.rss_mb)
    return figures


def _batch(segments: list[bytes]) -> bytes:
    return orjson.dumps({"TraceSegmentDocuments": [segment.decode() for segment in segments]})


def _sent(started: StandIn, bodies: list[bytes]) -> int:
    """Sends batches one after the other; the number of segments that were refused."""
    with started.connection() as connection:
        answers = (called(connection, "/TraceSegments", body) for body in bodies)
        return sum(len(answer["UnprocessedTraceSegments"]) for answer in answers)


def _window() -> dict[str, float]:
    now = time.time()
    return {"StartTime": now - 3600, "EndTime": now + 60}


def _pages(started: StandIn, **filters: str) -> tuple[list[dict[str, Any]], list[float]]:
    """Reads every page of summaries; the summaries, and the milliseconds of each page."""
    parameters: dict[str, Any] = {**_window(), **filters}
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


def _read_by_boto3(started: StandIn) -> dict[str, float]:
    """What a reader by boto3 takes for READ_TRACES traces: seconds, and the CPU of boto3 and of the stand-in."""
    make: Any = boto3.client
    client = make(
        "xray",
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{started.port}",
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )
    limit = {"MaxItems": READ_TRACES}
    began, own, cpu = time.monotonic(), time.process_time(), started.cpu_seconds
    pages = client.get_paginator("get_trace_summaries").paginate(**_window(), PaginationConfig=limit)
    read = sum(len(page["TraceSummaries"]) for page in pages)
    if read < READ_TRACES:
        raise RuntimeError(f"there were only {read} summaries")
    return {
        "read_45k_seconds": time.monotonic() - began,
        "read_45k_boto3_cpu_seconds": time.process_time() - own,
        "read_45k_localaws_cpu_seconds": started.cpu_seconds - cpu,
    }


def through_the_daemon() -> dict[str, float]:
    """Sends datagrams by the clock, and counts them in the daemon and in the stand-in."""
    told = documents(seed=2)
    datagrams = [HEADER + document for document in islice(told, DATAGRAMS_PER_SECOND * DATAGRAM_SECONDS)]
    with stand_in() as started, _daemon(started) as daemon:
        seconds = _send_by_the_clock(daemon, datagrams)
        stats = _drained(daemon, len(datagrams))
        stored = _stored(started)
    return {
        "datagrams_sent": float(len(datagrams)),
        "datagrams_per_second": len(datagrams) / seconds,
        "datagrams_not_received": float(len(datagrams) - stats["received"]),
        "datagrams_lost": float(len(datagrams) - stored),
    }


@contextmanager
def _daemon(started: StandIn) -> Iterator[RunningDaemon]:
    port = free_port()
    address = {"AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{port}"}
    environ = environment(f"http://127.0.0.1:{started.port}", **address)
    with running([sys.executable, "-m", "xraydaemon"], port, env=environ, stderr=subprocess.DEVNULL) as process:
        process_of_text: Any = process
        yield RunningDaemon(process_of_text, port)


def _send_by_the_clock(daemon: RunningDaemon, datagrams: list[bytes]) -> float:
    """Sends a share of the datagrams at each tick, never ahead of the clock; the seconds it took."""
    began, sent = time.monotonic(), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", daemon.port))
        while sent < len(datagrams):
            due = min(len(datagrams), int((time.monotonic() - began) * DATAGRAMS_PER_SECOND))
            for datagram in datagrams[sent:due]:
                sender.send(datagram)
            sent = due
            time.sleep(TICK_SECONDS)
    return time.monotonic() - began


def _drained(daemon: RunningDaemon, sent: int) -> dict[str, int]:
    """The daemon's counts once it has passed on what it received, or as they are when the time is over."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        stats = daemon.stats()
        done = stats["queued"] == 0 and stats["received"] + stats["lost_in_socket"] >= sent
        if done or time.monotonic() > deadline:
            return stats
        time.sleep(0.1)


def _stored(started: StandIn) -> int:
    """The segments that the stand-in holds, by its summaries: a trace's revision counts its segments."""
    summaries, _unused = _pages(started)
    return sum(int(summary["Revision"]) for summary in summaries)


def main() -> int:
    """Prints and writes the figures; 1 where one is out of its bound."""
    figures: dict[str, float] = {}
    sys.stderr.write("· start\n")
    figures |= start()
    sys.stderr.write(f"· {SEGMENTS:,} segments in, then read\n")
    figures |= ingest_and_read()
    sys.stderr.write(f"· {DATAGRAMS_PER_SECOND:,} datagrams a second for {DATAGRAM_SECONDS} s\n")
    figures |= through_the_daemon()
    return publish("localaws", figures, BOUNDS)


if __name__ == "__main__":
    sys.exit(main())
