"""Clients that are slow, silent, too long or gone, before a small tier that is served for real."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.served import answer, connected, request
from support.servers import free_port, running
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[4] / "apps"
THREADS, WAITING, LIMIT_BYTES, LARGE_BYTES = 5, 3, 1000, 20_000_000
SHOP = f"""
import os
from flask import Flask, request
from serving.bodies import BodyLimits
from serving.server import factory

@factory
def app():
    made = Flask(__name__)
    made.config["MAX_CONTENT_LENGTH"] = {LIMIT_BYTES}
    read = []

    @made.post("/echo")
    def echo():
        read.append(request.get_data())
        return read[-1]

    made.add_url_rule("/fast", "fast", view_func=lambda: "fast")
    made.add_url_rule("/read", "read", view_func=lambda: b"|".join(read))
    made.add_url_rule("/large", "large", view_func=lambda: b"x" * {LARGE_BYTES})
    made.add_url_rule("/secret", "secret", view_func=lambda: str("SHOP_SECRET" in request.environ))
    return made, BodyLimits({LIMIT_BYTES}, seconds=3, waiting={WAITING}, patience_seconds=1)
"""
HEAD = b"POST /echo HTTP/1.1\r\nHost: shop\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "shop").mkdir()
    (folder / "shop" / "wsgi.py").write_text(SHOP)
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{APPS}{os.pathsep}{folder}", "TMPDIR": str(folder)}
    port = free_port()
    tier = f"Tier('shop', '127.0.0.1', {port}, 1, {THREADS}, idle_seconds=2)"
    command = [sys.executable, "-c", f"from serving.server import Tier, serve; serve({tier})"]
    with running(command, port, env=environ | {"SHOP_SECRET": "x"}, stderr=subprocess.DEVNULL):
        yield port


def _length(number: int) -> bytes:
    return HEAD + f"Content-Length: {number}\r\n\r\n".encode()


def _ask(port: int, sent: bytes) -> tuple[int, bytes]:
    """The answer to what is sent, up to where the server closes the connection."""
    return answer(connected(port, sent))


def _get(port: int, path: str) -> bytes:
    status, content = _ask(port, request(path))
    assert status == 200
    return content.partition(b"\r\n\r\n")[2]


def test_body_is_handed_over_whole_with_a_length_and_without(port: int) -> None:
    status, content = _ask(port, request("/echo", "POST", b"whole"))
    assert (status, content.endswith(b"\r\n\r\nwhole")) == (200, True)
    with connected(port, CHUNKED + b"3\r\nwho\r\n") as client:
        client.sendall(b"2\r\nle\r\n0\r\n\r\n")
        assert client.recv(65_536).endswith(b"\r\n\r\nwhole")


def test_what_no_application_needs_is_not_in_its_environ(port: int) -> None:
    assert _get(port, "/secret") == b"False"


@pytest.mark.parametrize(
    "sent", [_length(LIMIT_BYTES + 1), CHUNKED + b"7d0\r\n" + b"x" * 2000], ids=["length", "chunked"]
)
def test_body_that_is_too_long_is_refused_before_it_is_there(port: int, sent: bytes) -> None:
    assert _ask(port, sent)[0] == 413


def test_body_as_long_as_may_be_is_read(port: int) -> None:
    assert _ask(port, request("/echo", "POST", b"x" * LIMIT_BYTES))[0] == 200


def test_silent_clients_are_refused_in_time(port: int) -> None:
    silent = [connected(port, _length(10)) for _unused in range(WAITING)]
    assert _get(port, "/fast") == b"fast"
    assert [answer(client)[0] for client in silent] == [408] * WAITING
    assert _ask(port, request("/echo", "POST", b"quick"))[0] == 200


def test_client_that_sends_byte_by_byte_is_refused_in_time(port: int) -> None:
    with connected(port, _length(100)) as slow:
        slow.settimeout(0.2)
        received = b""
        for _unused in range(100):
            slow.sendall(b"x")
            try:
                received = slow.recv(65_536)
                break
            except TimeoutError:
                continue
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"x" * 3 not in _get(port, "/read").split(b"|")


def test_more_silent_clients_than_threads_leave_quick_ones_their_answers(port: int) -> None:
    silent = [connected(port, _length(10)) for _unused in range(THREADS + 2)]
    assert _get(port, "/fast") == b"fast"
    eventually(lambda: _ask(port, request("/echo", "POST", b"quick"))[0] == 200)
    answers = [answer(client) for client in silent]
    assert {status for status, _unused in answers} == {408, 503}
    assert all(b"retry-after: 1\r\n" in content.lower() for status, content in answers if status == 503)


def test_body_that_is_broken_off_is_not_taken_for_a_whole_one(port: int) -> None:
    with connected(port, _length(20) + b"quantity=1") as client:
        client.shutdown(socket.SHUT_WR)
        client.recv(65_536)
    assert b"quantity=1" not in _get(port, "/read").split(b"|")


def test_slow_heads_hold_no_thread_and_are_hung_up_on(port: int) -> None:
    slow = [connected(port, b"GET /fast HTTP/1.1\r\nHo") for _unused in range(THREADS + 2)]
    assert _get(port, "/fast") == b"fast"
    began = time.monotonic()
    assert [answer(client)[0] for client in slow] == [0] * len(slow)
    assert time.monotonic() - began < 20


def test_clients_who_do_not_read_their_answer_hold_no_thread(port: int) -> None:
    with ExitStack() as open_connections:
        for _unused in range(THREADS + 2):
            open_connections.enter_context(connected(port, request("/large")))
        assert _get(port, "/fast") == b"fast"
