"""Requests to a traced Flask application, seen in the segments that arrive over UDP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response, abort
from flask.testing import FlaskClient
from psutil import Process
from support.segments import SegmentReceiver
from tracing import Tracing, TracingSettings, annotate, current, instrument, record_exception, subsegment, uninstrument
from tracing.wsgi import TracedApplication
from werkzeug.test import Client

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
SAMPLED = {"X-Amzn-Trace-Id": f"Root={ROOT};Parent={PARENT};Sampled=1"}


def _stream() -> Iterator[bytes]:
    with subsegment("first part"):
        yield b"one"
    with subsegment("second part"):
        yield b"two"


def _broken_stream() -> Iterator[bytes]:
    yield b"one"
    raise OSError("the source broke off")


def _fail() -> str:
    try:
        raise KeyError("cause")
    except KeyError as error:
        raise ValueError("wrong value") from error


def _noted() -> str:
    annotate("basket", 3)
    record_exception(RuntimeError("handled"))
    return "fine"


def _application() -> Flask:
    app = Flask("traced")
    app.add_url_rule("/things/<name>", view_func=lambda name: f"a {name}", endpoint="things")
    app.add_url_rule("/stream", view_func=lambda: Response(_stream()), endpoint="stream")
    app.add_url_rule("/broken", view_func=lambda: Response(_broken_stream()), endpoint="broken")
    app.add_url_rule("/fail", view_func=_fail)
    app.add_url_rule("/noted", view_func=_noted)
    app.add_url_rule("/status/<int:status>", view_func=lambda status: abort(status), endpoint="status")
    app.add_url_rule("/health", view_func=lambda: "well", endpoint="health")
    app.add_url_rule("/context", view_func=lambda: current().header() if current() else "none", endpoint="context")  # type: ignore[union-attr]
    return app


@pytest.fixture
def client(settings: TracingSettings) -> Iterator[FlaskClient]:
    app = _application()
    instrument(app, settings)
    yield app.test_client()
    uninstrument(app)


def test_segment_tells_of_the_request(client: FlaskClient, receiver: SegmentReceiver) -> None:
    headers = SAMPLED | {"User-Agent": "a browser"}
    answer = client.get("/things/lamp?secret=1", headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.data == b"a lamp"
    segment = receiver.next()
    assert answer.headers["X-Amzn-Trace-Id"] == f"Root={ROOT};Sampled=1"
    assert (segment["name"], segment["trace_id"], segment["parent_id"]) == ("shop", ROOT, PARENT)
    assert segment["start_time"] <= segment["end_time"]
    assert segment["http"] == {
        "request": {
            "method": "GET",
            "url": "http://localhost/things/lamp",
            "user_agent": "a browser",
            "client_ip": "192.0.2.7",
        },
        "response": {"status": 200, "content_length": 6},
    }
    assert segment["annotations"] == {
        "http_method": "GET",
        "http_url": "/things/lamp",
        "http_route": "/things/<name>",
        "http_status": 200,
    }


@pytest.mark.parametrize(
    ("address", "client_ip"),
    [
        ("192.0.2.7:5000", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::1", "::1"),
        ("[2001:db8::7]:5000", "2001:db8::7"),
        ("[::1]", "::1"),
    ],
)
def test_clients_address_has_no_port(
    client: FlaskClient, receiver: SegmentReceiver, address: str, client_ip: str
) -> None:
    client.get("/things/lamp", headers=SAMPLED, environ_base={"REMOTE_ADDR": address}).get_data()
    assert receiver.next()["http"]["request"]["client_ip"] == client_ip


@pytest.mark.parametrize(
    ("status", "flags"),
    [(404, {"error"}), (429, {"error", "throttle"}), (503, {"fault"})],
)
def test_status_sets_flags(client: FlaskClient, receiver: SegmentReceiver, status: int, flags: set[str]) -> None:
    client.get(f"/status/{status}", headers=SAMPLED).get_data()
    segment = receiver.next()
    assert {flag for flag in ("error", "fault", "throttle") if segment.get(flag)} == flags


def test_unmatched_path_has_no_route(client: FlaskClient, receiver: SegmentReceiver) -> None:
    client.get("/nowhere", headers=SAMPLED).get_data()
    assert receiver.next()["annotations"] == {"http_method": "GET", "http_url": "/nowhere", "http_status": 404}


def test_exception_is_recorded_with_type_stack_and_cause(client: FlaskClient, receiver: SegmentReceiver) -> None:
    client.get("/fail", headers=SAMPLED).get_data()
    segment = receiver.next()
    raised, reason = segment["cause"]["exceptions"]
    assert segment["fault"] is True
    assert (raised["type"], raised["message"]) == ("ValueError", "wrong value")
    assert raised["stack"][0]["label"] == "_fail"
    assert (reason["type"], raised["cause"]) == ("KeyError", reason["id"])


def test_handled_exception_and_annotations_are_kept(client: FlaskClient, receiver: SegmentReceiver) -> None:
    assert client.get("/noted", headers=SAMPLED).data == b"fine"
    segment = receiver.next()
    assert segment["annotations"]["basket"] == 3
    assert segment["cause"]["exceptions"][0]["message"] == "handled"


def test_stream_is_timed_to_its_end_in_its_context(client: FlaskClient, receiver: SegmentReceiver) -> None:
    answer = client.get("/stream", headers=SAMPLED)
    assert receiver.pending() == []
    assert answer.data == b"onetwo"
    segment = receiver.next()
    assert segment["http"]["response"]["content_length"] == 6
    assert [part["name"] for part in segment["subsegments"]] == ["first part", "second part"]
    assert all("end_time" in part for part in segment["subsegments"])


def test_stream_that_is_left_is_closed(client: FlaskClient, receiver: SegmentReceiver) -> None:
    client.get("/stream", headers=SAMPLED).close()
    assert receiver.next()["http"]["response"]["status"] == 200
    assert receiver.pending() == []


def test_stream_that_breaks_is_a_fault(client: FlaskClient, receiver: SegmentReceiver) -> None:
    answer = client.get("/broken", headers=SAMPLED)
    with pytest.raises(OSError, match="broke off"):
        answer.get_data()
    segment = receiver.next()
    assert segment["fault"] is True
    assert segment["cause"]["exceptions"][0]["type"] == "OSError"


def test_unsampled_request_sends_nothing_and_passes_the_decision_on(
    client: FlaskClient, receiver: SegmentReceiver
) -> None:
    answer = client.get("/context", headers={"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=0"})
    assert answer.text.startswith(f"Root={ROOT};Parent=")
    assert answer.text.endswith(";Sampled=0")
    assert answer.headers["X-Amzn-Trace-Id"] == f"Root={ROOT};Sampled=0"
    assert receiver.pending() == []


def test_untraced_path_has_no_context(client: FlaskClient, receiver: SegmentReceiver) -> None:
    answer = client.get("/health", headers=SAMPLED)
    assert answer.data == b"well"
    assert "X-Amzn-Trace-Id" not in answer.headers
    assert receiver.pending() == []


def test_malformed_header_starts_a_new_trace(client: FlaskClient) -> None:
    answer = client.get("/things/lamp", headers={"X-Amzn-Trace-Id": "Root=nonsense;Sampled=1"})
    assert answer.headers["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert "nonsense" not in answer.headers["X-Amzn-Trace-Id"]


def test_context_ends_with_the_request(client: FlaskClient) -> None:
    client.get("/things/lamp", headers=SAMPLED).get_data()
    assert current() is None


def test_switched_off_it_changes_nothing(receiver: SegmentReceiver) -> None:
    app = _application()
    tracing = instrument(app, TracingSettings("shop", mode="off", udp_address=receiver.address))
    answer = app.test_client().get("/context", headers=SAMPLED)
    assert answer.data == b"none"
    assert (tracing.enabled, receiver.pending()) == (False, [])


def test_switched_off_wrapper_changes_nothing(receiver: SegmentReceiver) -> None:
    settings = TracingSettings("shop", mode="off", udp_address=receiver.address, trust_incoming_sampled=True)
    answer = Client(TracedApplication(_application(), Tracing(settings))).get("/context", headers=SAMPLED)
    assert answer.data == b"none"
    assert "X-Amzn-Trace-Id" not in answer.headers
    assert [each for each in Process().net_connections("udp") if each.raddr == receiver.address] == []
