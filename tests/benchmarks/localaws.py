"""What the AWS stand-in's X-Ray bears: segments in, traces held, pages read, datagrams through the daemon.

Usage: python tests/benchmarks/localaws.py (by `make bench-localaws`, which sets the paths). Every part runs against
programs of its own, started as a user would start them. The bounds are absolute, since they are asked for so; what
else runs on the machine is told by the load average.
"""

from __future__ import annotations

import socket
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

import boto3
import orjson
from benchmarks.figures import Bound, publish
from benchmarks.shop_segments import documents
from benchmarks.stand_in import StandIn, called, drained, pages, stand_in, stored, window, xray_daemon
from support.localaws import CLIENT_ENVIRONMENT
from support.xray_daemon import RunningDaemon

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
FILTER: Final = 'annotation.http_status = 500 AND service("ecommerce-backend") { fault }'
HEADER: Final = b'{"format":"json","version":1}\n'


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
        traces, page_ms = pages(started)
        figures |= {
            "traces": float(len(traces)),
            "summaries_page_ms": statistics.median(page_ms),
            "pages": float(len(page_ms)),
        }
        found, page_ms = pages(started, FilterExpression=FILTER)
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
    told = client.get_paginator("get_trace_summaries").paginate(**window(), PaginationConfig=limit)
    read = sum(len(page["TraceSummaries"]) for page in told)
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
    with stand_in() as started, xray_daemon(started) as daemon:
        seconds = _send_by_the_clock(daemon, datagrams)
        stats = drained(daemon, len(datagrams))
        kept = stored(started)
    return {
        "datagrams_sent": float(len(datagrams)),
        "datagrams_per_second": len(datagrams) / seconds,
        "datagrams_not_received": float(len(datagrams) - stats["received"]),
        "datagrams_lost": float(len(datagrams) - kept),
    }


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
