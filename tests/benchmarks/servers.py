"""The programs that benchmarks load, each on a free port of 127.0.0.1, started as a user would start them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, Final, NamedTuple

from benchmarks.figures import FOLDER
from benchmarks.stand_in import StandIn
from support.clients import Clients
from support.localaws import CLIENT_ENVIRONMENT
from support.playbooks import ROOT
from support.servers import free_port, running

_DECISION_SECONDS: Final = 20


class Server(NamedTuple):
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]


class Got(NamedTuple):
    """An answer; its headers by their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def serving(module: str, port_variable: str, variables: Mapping[str, str]) -> Iterator[Server]:
    """Runs `python -m module` with variables added to a clean environment; its log lies beside the figures."""
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    paths = f"{ROOT / 'apps'}:{ROOT / 'tests'}"
    environ = {**kept, "PYTHONPATH": paths, port_variable: str(port), **variables}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        (FOLDER / "servers.log").open("a") as log,
        running([sys.executable, "-m", module], port, env=environ, cwd=ROOT, stderr=log, stdout=log) as process,
    ):
        yield Server(port, process)


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> Got:
    """Asks a server of this machine. Raises OSError where it does not answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def sampling_rules(started: StandIn, rates: Mapping[str, float]) -> None:
    """Makes a sampling rule for each service: the share of its requests to trace."""
    clients = Clients(
        region_name="eu-west-1",
        endpoint_url=started.url,
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )
    for number, (service, rate) in enumerate(rates.items(), start=1):
        rule: dict[str, Any] = {"RuleName": service, "ServiceName": service, "FixedRate": rate, "Priority": number}
        rule |= {"ReservoirSize": 1, "Version": 1, "ResourceARN": "*"}
        rule |= dict.fromkeys(("ServiceType", "Host", "HTTPMethod", "URLPath"), "*")
        clients.xray.create_sampling_rule(SamplingRule=rule)
    clients.close()


def wait_until_sampled(port: int, path: str, headers: Mapping[str, str] | None = None) -> None:
    """Returns once ten requests in a row were traced: the account's rule decides. Raises RuntimeError."""
    deadline, in_a_row = time.monotonic() + _DECISION_SECONDS, 0
    while in_a_row < 10:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} on port {port} is not sampled by its rule")
        told = get(port, path, headers).headers.get("x-amzn-trace-id", "")
        in_a_row = in_a_row + 1 if "Sampled=1" in told else 0
        time.sleep(0.05)
