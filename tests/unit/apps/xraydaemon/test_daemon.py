"""The daemon as a program: datagrams in, PutTraceSegments out, and a book that agrees."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.xray_daemon import FakeXRay, Start

HEADER = b'{"format":"json","version":1}\n'


def datagram(number: int = 0, **members: object) -> bytes:
    return HEADER + json.dumps({"id": f"{number:016x}", **members}).encode()


def reconciles(stats: dict[str, int]) -> bool:
    outcomes = ("sent", "dropped", "malformed", "rejected", "queued")
    return stats["received"] == sum(stats[name] for name in outcomes)


def test_segments_arrive_in_batches_as_they_were_sent(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    fake, url = xray
    daemon = start_daemon(url)
    sent = [datagram(number, name="täst") for number in range(260)]
    for begin in range(0, 260, 20):
        daemon.send(*sent[begin : begin + 20])
        daemon.wait(received=begin + 20)
    stats = daemon.wait(sent=260)
    assert stats == {
        "received": 260,
        "sent": 260,
        "dropped": 0,
        "malformed": 0,
        "rejected": 0,
        "queued": 0,
        "lost_in_socket": 0,
    }
    assert sorted(fake.documents) == sorted(part.partition(b"\n")[2].decode() for part in sent)
    assert max(fake.batches) <= 50


def test_garbage_is_counted_and_never_fatal(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    fake, url = xray
    daemon = start_daemon(url)
    garbage = [
        b"",
        b"\x00\xff",
        b"{}",
        HEADER,
        HEADER + b"  ",
        HEADER + b"\xff\xfe",
        b'{"format":"xml","version":1}\n{}',
        b'{"format":"json","version":2}\n{}',
        b"[[[[\n{}",
        b"\n" * 60_000,
    ]
    daemon.send(*garbage, b'{ "version": 1, "format": "json" }\n{"id":"1"}', datagram(1, note="refuse me"))
    stats = daemon.wait(received=len(garbage) + 2, queued=0)
    assert (stats["malformed"], stats["sent"], stats["rejected"]) == (len(garbage), 1, 1)
    assert fake.documents == ['{"id":"1"}']
    assert reconciles(stats)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ((403, "AccessDeniedException"), "AWS denies PutTraceSegments to the credentials of boto3's chain"),
        ((500, "InternalFailure"), "X-Ray cannot be reached"),
        ((429, "ThrottledException"), "X-Ray cannot be reached"),
    ],
)
def test_segments_are_kept_while_aws_says_no(
    xray: tuple[FakeXRay, str], start_daemon: Start, failure: tuple[int, str], message: str
) -> None:
    fake, url = xray
    fake.failure = failure
    daemon = start_daemon(url, XRAY_UPLOAD_THREADS="1")  # more would tell of one outage twice
    daemon.send(*(datagram(number) for number in range(60)))
    fake.wait(lambda fake: fake.attempts >= 4)
    stats = daemon.wait(received=60)
    assert (stats["queued"], reconciles(stats)) == (60, True)
    fake.failure = None
    assert reconciles(daemon.wait(sent=60))
    log = daemon.terminate()
    assert log.count(message) == 1
    assert log.count("X-Ray takes segments again") == 1


def test_segments_are_kept_while_nobody_listens(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        daemon = start_daemon(f"http://127.0.0.1:{closed.getsockname()[1]}")
        daemon.send(datagram(1), datagram(2))
        stats = daemon.wait(received=2)
        assert stats["queued"] == 2
        log = daemon.terminate()
    assert "2 received, 0 sent, 2 dropped" in log
    assert daemon.process.returncode == 0


def test_batch_that_is_wrong_for_ever_is_rejected(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    fake, url = xray
    fake.failure = (400, "InvalidRequestException")
    daemon = start_daemon(url)
    daemon.send(datagram(1), datagram(2))
    assert reconciles(daemon.wait(rejected=2, queued=0))


def test_denied_role_is_named_and_tried_again(xray: tuple[FakeXRay, str], start_daemon: Start, tmp_path: Path) -> None:
    _, url = xray
    role = "arn:aws:iam::123456789012:role/xray-daemon"
    web_identity = {"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token")}
    daemon = start_daemon(url, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", **web_identity)
    daemon.send(datagram(1))
    assert daemon.wait(received=1)["queued"] == 1
    log = daemon.terminate()
    assert log.count(f"the web identity token of role {role} cannot be read") == 1


def test_full_queue_drops_and_counts(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    fake, url = xray
    fake.failure = (500, "InternalFailure")
    daemon = start_daemon(url, XRAY_QUEUE_SEGMENTS="30")
    daemon.send(*(datagram(number) for number in range(100)))
    stats = daemon.wait(received=100)
    assert (stats["queued"], stats["dropped"], reconciles(stats)) == (30, 70, True)


def test_queue_is_bounded_in_bytes_too(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    fake, url = xray
    fake.failure = (500, "InternalFailure")
    daemon = start_daemon(url, XRAY_QUEUE_BYTES="1000")
    daemon.send(datagram(1, text="x" * 2000))
    assert reconciles(daemon.wait(received=1, dropped=1))


def test_sigterm_flushes_what_was_received(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    fake, url = xray
    daemon = start_daemon(url)
    daemon.send(*(datagram(number) for number in range(40)))
    log = daemon.terminate()
    assert daemon.process.returncode == 0
    assert len(fake.documents) == 40
    assert "ended: 40 received, 40 sent, 0 dropped" in log


def test_sigterm_sent_again_and_again_ends_it_once(xray: tuple[FakeXRay, str], start_daemon: Start) -> None:
    _, url = xray
    daemon = start_daemon(url)
    daemon.send(*(datagram(number) for number in range(40)))
    for _again in range(200):
        daemon.process.send_signal(signal.SIGTERM)
    log = daemon.terminate()
    assert daemon.process.returncode == 0
    assert log.count("ended: 40 received, 40 sent, 0 dropped") == 1


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_busy_port_ends_with_one_line(kind: socket.SocketKind, daemon_environment: dict[str, str]) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        ended = run_daemon({**daemon_environment, "AWS_XRAY_DAEMON_ADDRESS": address})
    name = "udp" if kind == socket.SOCK_DGRAM else "tcp"
    assert ended.returncode == 2
    assert (
        ended.stderr == f"xraydaemon: {name} {address} is in use: end what holds it, or set AWS_XRAY_DAEMON_ADDRESS\n"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_XRAY_DAEMON_ADDRESS", "2000"),
        ("AWS_XRAY_DAEMON_ADDRESS", "localhost:port"),
        ("AWS_XRAY_DAEMON_ADDRESS", "udp:localhost:1 udp:localhost:2"),
        ("AWS_REGION", ""),
        ("AWS_ENDPOINT_URL", "nowhere"),
        ("XRAY_QUEUE_SEGMENTS", "0"),
        ("XRAY_QUEUE_BYTES", "much"),
        ("XRAY_UPLOAD_THREADS", "-1"),
    ],
)
def test_wrong_setting_ends_with_a_line_that_names_it(
    daemon_environment: dict[str, str], variable: str, value: str
) -> None:
    ended = run_daemon({**daemon_environment, variable: value})
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert variable in ended.stderr


def run_daemon(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xraydaemon"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
