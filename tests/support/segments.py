"""The X-Ray daemon's two ports for tests: a UDP socket that keeps segments, an HTTP server that tells rules."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.http_thread import http_thread

Address = tuple[str, int]
_WAIT_SECONDS = 10.0


class SegmentReceiver:
    """A bound UDP socket; `next` gives one segment after the other."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self.address: Address = bound.getsockname()

    def next(self) -> dict[str, Any]:
        """The next segment's document; raises TimeoutError where none comes."""
        preamble, _, document = self._socket.recv(65_536).partition(b"\n")
        assert json.loads(preamble) == {"format": "json", "version": 1}
        segment: dict[str, Any] = json.loads(document)
        return segment

    def pending(self) -> list[dict[str, Any]]:
        """The segments that have arrived; over loopback a sent datagram has."""
        found = []
        self._socket.setblocking(False)
        try:
            while True:
                found.append(self.next())
        except BlockingIOError:
            return found
        finally:
            self._socket.settimeout(_WAIT_SECONDS)


@contextmanager
def segment_receiver() -> Iterator[SegmentReceiver]:
    """Receives segments on a free port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(_WAIT_SECONDS)
        yield SegmentReceiver(bound)


def sampling_rule(**changes: Any) -> dict[str, Any]:
    """A sampling rule of the X-Ray API that takes every request."""
    rule = {
        "RuleName": "everything",
        "Priority": 100,
        "FixedRate": 1.0,
        "ReservoirSize": 0,
        "Host": "*",
        "ServiceName": "*",
        "ServiceType": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "ResourceARN": "*",
        "Version": 1,
        "Attributes": {},
    }
    return rule | changes


class RulesServer:
    """Answers GetSamplingRules and SamplingTargets; keeps what was reported."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self.rules = rules
        self.reports: list[dict[str, Any]] = []
        self.address: Address = ("127.0.0.1", 0)

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The daemon's answer to a request."""
        if path == "/GetSamplingRules":
            return {"SamplingRuleRecords": [{"SamplingRule": rule} for rule in self.rules]}
        self.reports += body["SamplingStatisticsDocuments"]
        targets = [{"RuleName": rule["RuleName"], "FixedRate": rule["FixedRate"]} for rule in self.rules]
        return {"SamplingTargetDocuments": targets, "LastRuleModification": 0, "UnprocessedStatistics": []}


@contextmanager
def rules_server(*rules: dict[str, Any], port: int = 0) -> Iterator[RulesServer]:
    """Serves sampling rules on 127.0.0.1."""
    served = RulesServer(list(rules))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = json.dumps(served.answer(self.path, json.loads(body or b"{}"))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with http_thread(Handler, port) as bound_port:
        served.address = ("127.0.0.1", bound_port)
        yield served
