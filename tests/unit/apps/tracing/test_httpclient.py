"""Calls by http.client and what is built on it, to a real server: their subsegments and the header that arrives."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests
import tracing.httpclient
import urllib3
from botocore.config import Config
from support.http_server import HttpServer, http_server
from support.servers import free_port
from support.traced import ROOT, parts_of, traced_request
from tracing import subsegment
from tracing.http import outgoing, traced_headers

CALLS: dict[str, Callable[[str], Any]] = {
    "urllib": lambda url: urllib.request.urlopen(url).read(),
    "urllib3": lambda url: urllib3.request("GET", url, retries=False),
    "requests": lambda url: requests.get(url, timeout=5),
}


@pytest.fixture(scope="module")
def serving() -> Iterator[HttpServer]:
    with http_server() as served:
        yield served


@pytest.fixture
def server(serving: HttpServer) -> Iterator[HttpServer]:
    serving.received.clear()
    tracing.httpclient.instrument()
    yield serving
    tracing.httpclient.uninstrument()


@pytest.mark.parametrize("library", CALLS)
def test_call_is_a_remote_subsegment_and_passes_its_id_on(server: HttpServer, library: str) -> None:
    with traced_request() as segment, subsegment("around"):
        CALLS[library](f"{server.url}/things/7?secret=1#secret")
    [around] = segment.document["subsegments"]
    [part] = around["subsegments"]
    assert (part["name"], part["namespace"], "end_time" in part) == ("127.0.0.1", "remote", True)
    assert part["http"] == {
        "request": {"method": "GET", "url": f"{server.url}/things/7"},
        "response": {"status": 200, "content_length": len('{"path": "/things/7?secret=1"}')},
    }
    [received] = server.received
    assert received.trace_headers == [f"Root={ROOT};Parent={part['id']};Sampled=1"]
    assert received.path == "/things/7?secret=1"


def test_botocores_calls_are_seen_too(server: HttpServer) -> None:
    client = boto3.client(
        "sqs",
        endpoint_url=server.url,
        region_name="eu-central-1",
        aws_access_key_id="id",
        aws_secret_access_key="key",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with traced_request() as segment:
        client.list_queues()
    client.close()
    [part] = segment.document["subsegments"]
    assert part["http"]["request"] == {"method": "POST", "url": f"{server.url}/"}
    assert server.received[0].trace_headers == [f"Root={ROOT};Parent={part['id']};Sampled=1"]


@pytest.mark.parametrize(("status", "flags"), [(404, {"error"}), (429, {"error", "throttle"}), (503, {"fault"})])
def test_status_sets_flags(server: HttpServer, status: int, flags: set[str]) -> None:
    with traced_request() as segment:
        urllib3.request("GET", f"{server.url}/status/{status}", retries=False)
    [part] = segment.document["subsegments"]
    assert part["http"]["response"]["status"] == status
    assert {flag for flag in ("error", "fault", "throttle") if part.get(flag)} == flags


def test_kept_connection_has_a_subsegment_for_each_of_its_calls(server: HttpServer) -> None:
    with traced_request() as segment, requests.Session() as session:
        for number in range(3):
            session.post(f"{server.url}/{number}", json={"body": number}, timeout=5)
    parts = segment.document["subsegments"]
    assert [part["http"]["request"]["url"] for part in parts] == [f"{server.url}/{number}" for number in range(3)]
    assert [each.trace_headers[0].split(";")[1] for each in server.received] == [
        f"Parent={part['id']}" for part in parts
    ]


def test_host_can_be_called_by_a_name(server: HttpServer) -> None:
    tracing.httpclient.instrument({f"127.0.0.1:{server.port}": "ecommerce-backend", "127.0.0.1": "not this one"})
    with traced_request() as segment:
        requests.get(server.url, timeout=5)
    assert parts_of(segment.document) == ["ecommerce-backend"]


def test_call_that_carries_the_header_already_gets_no_second_one(server: HttpServer) -> None:
    with traced_request() as segment:
        with outgoing("backend", "GET", server.url) as headers:
            requests.get(server.url, headers=headers, timeout=5)
        requests.get(server.url, headers=traced_headers(), timeout=5)
    [part] = segment.document["subsegments"]
    assert part["name"] == "backend"
    assert [received.trace_headers for received in server.received] == [
        [f"Root={ROOT};Parent={part['id']};Sampled=1"],
        [f"Root={ROOT};Parent={segment.id};Sampled=1"],
    ]


def test_header_that_a_remote_subsegment_forgot_is_passed_on_without_another_subsegment(server: HttpServer) -> None:
    with traced_request() as segment, subsegment("backend", "remote") as part:
        requests.get(server.url, timeout=5)
    assert parts_of(segment.document) == ["backend"]
    assert server.received[0].trace_headers == [f"Root={ROOT};Parent={part.id};Sampled=1"]


def test_unsampled_request_passes_its_decision_on_and_notes_nothing(server: HttpServer) -> None:
    with traced_request(sampled=False) as segment:
        requests.get(server.url, timeout=5)
    assert server.received[0].trace_headers == [f"Root={ROOT};Parent={segment.id};Sampled=0"]
    assert parts_of(segment.document) == []


def test_without_a_context_and_after_uninstrument_calls_are_as_before(server: HttpServer) -> None:
    requests.get(server.url, timeout=5)
    tracing.httpclient.uninstrument()
    with traced_request() as segment:
        requests.get(server.url, timeout=5)
    assert [received.trace_headers for received in server.received] == [[], []]
    assert parts_of(segment.document) == []
    assert "tracing" not in http.client.HTTPConnection.putrequest.__module__


def test_method_that_somebody_wrapped_since_stays_wrapped_and_harmless(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped = []
    hook = http.client.HTTPConnection.getresponse

    def getresponse(connection: Any) -> Any:
        wrapped.append(connection)
        return hook(connection)

    with monkeypatch.context() as patched:
        patched.setattr(http.client.HTTPConnection, "getresponse", getresponse)
        tracing.httpclient.uninstrument()
        with traced_request() as off:
            requests.get(server.url, timeout=5)
        tracing.httpclient.instrument()
        with traced_request() as on:
            requests.get(server.url, timeout=5)
    assert (len(wrapped), parts_of(off.document), parts_of(on.document)) == (2, [], ["127.0.0.1"])


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("library", CALLS)
def test_host_that_is_gone_is_a_fault_and_the_callers_own_error(library: str, scheme: str, server: HttpServer) -> None:
    port = free_port()
    with traced_request() as segment, pytest.raises((OSError, urllib3.exceptions.HTTPError)):
        CALLS[library](f"{scheme}://127.0.0.1:{port}/things?secret=1")
    [part] = segment.document["subsegments"]
    assert (part["name"], part["fault"], "end_time" in part) == ("127.0.0.1", True, True)
    assert part["http"]["request"]["url"].startswith(f"{scheme}://127.0.0.1:{port}/")
    assert part["cause"]["exceptions"]


@pytest.mark.parametrize("library", CALLS)
def test_answer_that_does_not_come_is_a_fault(library: str, server: HttpServer) -> None:
    with traced_request() as segment, pytest.raises((OSError, urllib3.exceptions.HTTPError)):
        CALLS[library](f"{server.url}/cut")
    [part] = segment.document["subsegments"]
    assert (part["fault"], "end_time" in part, "response" in part["http"]) == (True, True, False)


def test_call_that_is_given_up_ends_with_its_connection(server: HttpServer) -> None:
    with traced_request() as segment:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.putrequest("PUT", "/things")
        connection.endheaders()
        connection.close()
    [part] = segment.document["subsegments"]
    assert ("end_time" in part, "fault" in part) == (True, False)


def test_proxys_calls_are_named_after_the_host_behind_it(server: HttpServer) -> None:
    with traced_request() as segment, urllib3.ProxyManager(server.url) as proxy:
        proxy.request("GET", "http://anna:secret@shop.example:8080/things?secret=1", retries=False)
    [part] = segment.document["subsegments"]
    assert (part["name"], part["http"]["request"]["url"]) == ("shop.example", "http://shop.example:8080/things")


def test_mistake_of_tracings_own_does_not_reach_the_caller(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(tracing.httpclient, "_part", fail)
    monkeypatch.setattr(tracing.httpclient, "tell_response", fail)
    with traced_request():
        assert requests.get(server.url, timeout=5).status_code == 200
        with pytest.raises(requests.ConnectionError):
            requests.get(f"https://127.0.0.1:{free_port()}/", timeout=5)


def test_callers_own_mistake_stays_its_own(server: HttpServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    with traced_request(), pytest.raises(http.client.ResponseNotReady):
        connection.getresponse()
    with traced_request(), pytest.raises(ValueError, match="Invalid header name"):
        connection.request("GET", "/", headers={"not a name\n": "value"})
    connection.close()
