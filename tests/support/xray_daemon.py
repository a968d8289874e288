"""For tests of the X-Ray daemon's stand-in: a small X-Ray over HTTP, and a handle on the daemon's process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

APPS = Path(__file__).resolve().parents[2] / "apps"
RULE = {
    "RuleName": "everything",
    "ResourceARN": "*",
    "Priority": 1,
    "FixedRate": 1.0,
    "ReservoirSize": 3,
    "ServiceName": "*",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
    "Attributes": {},
}


@dataclass
class FakeXRay:
    """Keeps what it is sent; `failure` (status and code) is answered instead, while it is set."""

    failure: tuple[int, str] | None = None
    documents: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    attempts: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.changed:
            self.attempts += 1
            self.changed.notify_all()
            if self.failure is not None:
                return self.failure[0], {"__type": self.failure[1], "message": "on purpose"}
            self.bodies.append(body)
            return 200, getattr(self, path.strip("/"))(body)

    def TraceSegments(self, body: dict[str, Any]) -> dict[str, Any]:
        documents = body["TraceSegmentDocuments"]
        refused = [document for document in documents if "refuse me" in document]
        self.documents += [document for document in documents if document not in refused]
        self.batches.append(len(documents))
        return {"UnprocessedTraceSegments": [{"Id": "a", "ErrorCode": "ParseError"} for _ in refused]}

    def GetSamplingRules(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"SamplingRuleRecords": [{"SamplingRule": RULE, "CreatedAt": 1.5, "ModifiedAt": 1.5}]}

    def SamplingTargets(self, body: dict[str, Any]) -> dict[str, Any]:
        target = {
            "RuleName": "everything",
            "FixedRate": 0.5,
            "ReservoirQuota": 2,
            "ReservoirQuotaTTL": 9e9,
            "Interval": 10,
        }
        return {"SamplingTargetDocuments": [target], "LastRuleModification": 1.5, "UnprocessedStatistics": []}

    def wait(self, reached: Callable[[FakeXRay], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: reached(self), 20)


@dataclass
class RunningDaemon:
    """A daemon's process and its port."""

    process: subprocess.Popen[str]
    port: int

    def send(self, *datagrams: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for datagram in datagrams:
                sender.sendto(datagram, ("127.0.0.1", self.port))

    def stats(self) -> dict[str, int]:
        with urlopen(f"http://127.0.0.1:{self.port}/stats") as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    def wait(self, **expected: int) -> dict[str, int]:
        """The stats once they hold these counts."""
        deadline = time.monotonic() + 20
        while True:
            stats = self.stats()
            if expected.items() <= stats.items():
                return stats
            assert time.monotonic() < deadline, f"expected {expected}, got {stats}"
            time.sleep(0.02)

    def terminate(self) -> str:
        """Ends the daemon as its supervisor does, and returns its log."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=20)
        return log


def environment(endpoint: str, **more: str) -> dict[str, str]:
    """The variables of a daemon whose AWS is at an endpoint."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XRAY_"))}
    return {
        **kept,
        "PYTHONPATH": str(APPS),
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        **more,
    }


Start = Callable[..., RunningDaemon]
