"""The TCP side, spoken to by the X-Ray SDK's own connector and by clients that do it wrong."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection
from typing import Any

import pytest
from aws_xray_sdk.core.sampling.connector import ServiceConnector
from aws_xray_sdk.core.sampling.sampling_rule import SamplingRule
from support.xray_daemon import FakeXRay, RunningDaemon, Start


@pytest.fixture
def daemon(xray: tuple[FakeXRay, str], start_daemon: Start) -> RunningDaemon:
    return start_daemon(xray[1])


@pytest.fixture
def connector(daemon: RunningDaemon) -> ServiceConnector:
    connector = ServiceConnector()
    connector.setup_xray_client("127.0.0.1", str(daemon.port), None)
    return connector


def ask(daemon: RunningDaemon, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    connection.request(method, path, body)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def test_sdk_gets_its_rules(connector: ServiceConnector) -> None:
    (rule,) = connector.fetch_sampling_rules()
    assert (rule.name, rule.priority, rule.rate, rule.can_borrow) == ("everything", 1, 1.0, True)


def test_sdk_reports_and_gets_its_targets(xray: tuple[FakeXRay, str], connector: ServiceConnector) -> None:
    rule = SamplingRule("everything", 1, 1.0, 3, "*", "*", "*", "*", "*")
    rule.increment_request_count()
    targets, modified = connector.fetch_sampling_target([rule])
    assert targets == {"everything": {"rate": 0.5, "quota": 2, "TTL": 9_000_000_000, "interval": 10}}
    assert modified == 1
    (document,) = xray[0].bodies[-1]["SamplingStatisticsDocuments"]
    assert (document["RuleName"], document["RequestCount"]) == ("everything", 1)


def test_aws_error_comes_through(xray: tuple[FakeXRay, str], daemon: RunningDaemon) -> None:
    xray[0].failure = (403, "AccessDeniedException")
    assert ask(daemon, "POST", "/GetSamplingRules", b"{}") == (
        403,
        {"__type": "AccessDeniedException", "message": "on purpose"},
    )


def test_aws_that_is_away_is_unavailable(start_daemon: Start) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        daemon = start_daemon(f"http://127.0.0.1:{closed.getsockname()[1]}")
        status, answer = ask(daemon, "POST", "/GetSamplingRules")
    assert (status, answer["__type"]) == (503, "ServiceUnavailableException")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/GetSamplingRules", b"no JSON", 400),
        ("POST", "/GetSamplingRules", b"[]", 400),
        ("POST", "/GetSamplingRules", b'{"Unknown": 1}', 400),
        ("POST", "/SamplingTargets", b'{"SamplingStatisticsDocuments": 7}', 400),
        ("POST", "/SamplingTargets", b"{}", 400),
        ("POST", "/TraceSegments", b"{}", 404),
        ("GET", "/GetSamplingRules", None, 404),
    ],
)
def test_wrong_call_gets_an_error_and_harms_nobody(
    daemon: RunningDaemon, method: str, path: str, body: bytes | None, status: int
) -> None:
    assert ask(daemon, method, path, body)[0] == status
    assert daemon.stats()["received"] == 0


@pytest.mark.parametrize("length", ["-1", "many", "99999999"])
def test_wrong_content_length_is_refused(daemon: RunningDaemon, length: str) -> None:
    connection = HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    connection.putrequest("POST", "/GetSamplingRules")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()
