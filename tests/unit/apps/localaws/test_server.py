"""The HTTP server: connections stay open, and many of them starve nobody."""

from __future__ import annotations

import re
import socket
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

HEALTH = b"GET /_localaws/health HTTP/1.1\r\nHost: localaws\r\n\r\n"


@pytest.fixture
def address(localaws_url: str) -> tuple[str, int]:
    parts = urlsplit(localaws_url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def test_one_connection_carries_many_requests(address: tuple[str, int]) -> None:
    connection = HTTPConnection(*address, timeout=10)
    connection.connect()
    first_socket = connection.sock
    for _unused in range(3):
        connection.request("GET", "/_localaws/health")
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.version, connection.sock) == (200, 11, first_socket)
    connection.close()


def test_head_has_no_body_that_the_next_reply_would_begin_with(address: tuple[str, int]) -> None:
    connection = HTTPConnection(*address, timeout=10)
    for method, status in (("HEAD", 405), ("GET", 200)):
        connection.request(method, "/_localaws/health")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.close()


def test_replies_on_one_connection_do_not_wait_for_acknowledgements(address: tuple[str, int]) -> None:
    connection = HTTPConnection(*address, timeout=10)
    quickest_seconds = 1.0
    for _unused in range(20):
        began = time.monotonic()
        connection.request("GET", "/_localaws/health")
        connection.getresponse().read()
        quickest_seconds = min(quickest_seconds, time.monotonic() - began)
    connection.close()
    # A reply held back by Nagle's algorithm would come after 40 ms.
    assert quickest_seconds < 0.03


def test_idle_connections_do_not_starve_new_ones(address: tuple[str, int]) -> None:
    idle = [socket.create_connection(address, timeout=10) for _unused in range(200)]
    for connection in idle:
        connection.sendall(HEALTH)
    assert all(connection.recv(4096).startswith(b"HTTP/1.1 200 ") for connection in idle)
    newcomer = HTTPConnection(*address, timeout=10)
    newcomer.request("GET", "/_localaws/health")
    assert newcomer.getresponse().status == 200
    newcomer.close()
    for connection in idle:
        connection.close()


def test_requests_that_come_together_are_answered_in_order(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(HEALTH + HEALTH.replace(b"GET ", b"GET /nothing", 1).replace(b"HTTP/1.1", b"HTTP/1.0"))
        told = b""
        while chunk := connection.recv(65536):
            told += chunk
    assert re.findall(rb"HTTP/1.1 (\d+) ", told) == [b"200", b"403"]


def test_client_that_asks_first_is_told_to_go_on(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(b"POST /_localaws/faults HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n")
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'{"faults":[]}')
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
