"""What is sent although it was not sampled: requests that failed or were slow, up to a limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from support.segments import SegmentReceiver
from tracing import TracedApplication, Tracing, TracingSettings, annotate, subsegment
from tracing.http import outgoing
from werkzeug.test import Client

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
NOT_SAMPLED = {"X-Amzn-Trace-Id": f"Root={ROOT};Parent={PARENT};Sampled=0"}

Call = Callable[..., list[dict[str, Any]]]


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    environ["tracing.route"] = "/<what>"
    annotate("basket", 3)
    with subsegment("work") as part, outgoing("backend", "GET", "http://backend/") as headers:
        part.annotate("size", 2)
    if environ["PATH_INFO"] == "/raise":
        raise ValueError("wrong value")
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.02)
    status = "503 Service Unavailable" if environ["PATH_INFO"] == "/fail" else "200 OK"
    start_response(status, [("Passed-On", headers["X-Amzn-Trace-Id"])])
    return [b"body"]


@pytest.fixture
def call(settings: TracingSettings, receiver: SegmentReceiver) -> Iterator[Call]:
    """Makes an unsampled request to a path, `times` often, with changed settings; gives what was sent."""
    opened: list[Tracing] = []

    def made(path: str, times: int = 1, **changes: Any) -> list[dict[str, Any]]:
        opened.append(Tracing(replace(settings, **changes)))
        client = Client(TracedApplication(_application, opened[-1]))
        for _unused in range(times):
            with suppress(ValueError):
                client.get(path, headers=NOT_SAMPLED)
        return receiver.pending()

    made.tracing = opened  # type: ignore[attr-defined]
    yield made
    for tracing in opened:
        tracing.stop()


def test_failed_request_is_sent_with_all_but_its_subsegments(call: Call) -> None:
    [segment] = call("/fail")
    assert (segment["trace_id"], segment["parent_id"], segment["fault"]) == (ROOT, PARENT, True)
    assert segment["http"]["response"] == {"status": 503, "content_length": 4}
    assert segment["annotations"] == {
        "basket": 3,
        "tracing_kept": "fault",
        "http_method": "GET",
        "http_url": "/fail",
        "http_status": 503,
        "http_route": "/<what>",
    }
    assert "subsegments" not in segment


def test_exception_is_sent_with_its_stack(call: Call) -> None:
    [segment] = call("/raise")
    [exception] = segment["cause"]["exceptions"]
    assert (exception["type"], exception["stack"][0]["label"]) == ("ValueError", "_application")
    assert segment["annotations"]["http_status"] == 500


def test_slow_request_is_sent_where_that_is_asked_for(call: Call) -> None:
    assert call("/slow") == []
    [segment] = call("/slow", keep_slower_than_seconds=0.01)
    assert segment["annotations"]["tracing_kept"] == "slow"
    assert "fault" not in segment


def test_request_that_is_neither_is_not_sent(call: Call) -> None:
    assert call("/", keep_slower_than_seconds=60.0) == []


def test_no_more_are_kept_than_the_limit_allows(call: Call) -> None:
    segments = call("/fail", times=20, kept_per_second=2)
    [tracing] = call.tracing  # type: ignore[attr-defined]
    assert 2 <= len(segments) <= 6  # two a second, and the seconds may change on the way
    assert (tracing.kept, tracing.kept_refused) == (len(segments), 20 - len(segments))


def test_nothing_is_kept_where_the_limit_is_nothing(call: Call) -> None:
    assert call("/fail", kept_per_second=0) == []


def test_decision_is_passed_on_as_it_came_and_names_the_segment_that_may_be_sent(
    settings: TracingSettings, receiver: SegmentReceiver
) -> None:
    tracing = Tracing(settings)
    answer = Client(TracedApplication(_application, tracing)).get("/fail", headers=NOT_SAMPLED)
    segment = receiver.next()
    assert answer.headers["Passed-On"] == f"Root={ROOT};Parent={segment['id']};Sampled=0"
    assert answer.headers["X-Amzn-Trace-Id"] == f"Root={ROOT};Sampled=0"
    tracing.stop()


def test_sampled_request_that_fails_is_not_marked(settings: TracingSettings, receiver: SegmentReceiver) -> None:
    tracing = Tracing(settings)
    headers = {"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=1"}
    Client(TracedApplication(_application, tracing)).get("/fail", headers=headers)
    assert "tracing_kept" not in receiver.next()["annotations"]
    assert (tracing.kept, tracing.kept_refused) == (0, 0)
    tracing.stop()
