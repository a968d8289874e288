"""Requests that no SDK would send, and replies byte for byte."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

Reply = tuple[int, dict[str, str], bytes]
Send = Callable[..., Reply]


def signed_for(service: str) -> dict[str, str]:
    scope = f"AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


@pytest.fixture
def send(localaws_url: str) -> Iterator[Send]:
    connection = http.client.HTTPConnection(urlsplit(localaws_url).netloc, timeout=30)

    def run(method: str, path: str, body: str | bytes = b"", **headers: str) -> Reply:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.headers.items()}, response.read()

    yield run
    connection.close()


def test_error_of_a_rest_service_has_its_type_and_request_id(send: Send) -> None:
    status, headers, body = send("GET", "/clusters/nowhere", **signed_for("eks"))
    assert (status, headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert len(headers["x-amzn-requestid"]) == 36
    assert json.loads(body) == {"message": "No cluster found for name: nowhere."}


def test_times_are_epoch_seconds(send: Send) -> None:
    _, headers, body = send("GET", "/clusters/deepobs-local", **signed_for("eks"))
    assert headers["content-type"] == "application/json"
    assert isinstance(json.loads(body)["cluster"]["createdAt"], float)


@pytest.mark.parametrize("body", ["{", "[]", "nonsense", b"\xff\xfe", '{"addonName": 5}', '{"addonName": ["a"]}'])
def test_body_that_cannot_be_read_is_a_serialization_error(send: Send, body: str | bytes) -> None:
    status, headers, _ = send("POST", "/clusters/deepobs-local/addons", body, **signed_for("eks"))
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")


def test_missing_parameter_is_named(send: Send) -> None:
    status, headers, body = send("POST", "/clusters/deepobs-local/addons", "{}", **signed_for("eks"))
    assert (status, headers["x-amzn-errortype"]) == (400, "InvalidParameterException")
    assert "addonName" in json.loads(body)["message"]


def test_number_that_is_none_is_refused(send: Send) -> None:
    status, _, _ = send("GET", "/clusters?maxResults=many", **signed_for("eks"))
    assert status == 400


@pytest.mark.parametrize("digits", [12, 400])
def test_number_of_too_many_digits_is_refused(send: Send, digits: int) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"Action=ListRoles&Version=2010-05-08&MaxItems={'9' * digits}"
    status, _, content = send("POST", "/", body, **signed_for("iam"), **form)
    assert (status, b"<Code>ValidationError</Code>" in content) == (400, True)


def test_character_that_xml_does_not_have_is_refused(send: Send) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = "Action=CreateOpenIDConnectProvider&Version=2010-05-08&Url=https%3A%2F%2Fa.b&ClientIDList.member.1=%00"
    status, _, content = send("POST", "/", body, **signed_for("iam"), **form)
    assert (status, b"<Code>ValidationError</Code>" in content) == (400, True)


@pytest.mark.parametrize("service", ["eks", "xray", "ecr"])
def test_region_that_aws_does_not_have_is_refused(send: Send, service: str) -> None:
    signed = {name: value.replace("eu-west-1", "mars-1") for name, value in signed_for(service).items()}
    target = {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"} if service == "ecr" else {}
    path, method = {"eks": ("/clusters", "GET"), "xray": ("/GetSamplingRules", "POST")}.get(service, ("/", "POST"))
    status, _, body = send(method, path, "{}" if method == "POST" else "", **signed, **target)
    assert (status in (400, 403), b"Credential should be scoped to a valid region." in body) == (True, True)


def test_path_that_is_no_operation_is_unknown(send: Send) -> None:
    status, headers, _ = send("GET", "/nothing", **signed_for("eks"))
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException")


def test_unsigned_request_misses_its_token(send: Send) -> None:
    status, headers, _ = send("GET", "/clusters")
    assert (status, headers["x-amzn-errortype"]) == (403, "MissingAuthenticationToken")


def test_signature_without_scope_is_incomplete(send: Send) -> None:
    status, headers, _ = send("GET", "/clusters", Authorization="AWS4-HMAC-SHA256 nonsense")
    assert (status, headers["x-amzn-errortype"]) == (400, "IncompleteSignature")


def test_service_that_aws_does_not_have_is_not_implemented(send: Send) -> None:
    status, _, body = send("GET", "/", **signed_for("teapot"))
    assert (status, json.loads(body)) == (501, {"message": "localaws does not implement teapot"})


def test_error_of_a_query_service_is_xml(send: Send) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, body = send("POST", "/", "Action=Nonsense&Version=2011-06-15", **form, **signed_for("sts"))
    error = ElementTree.fromstring(body).find("{*}Error")  # noqa: S314 - our own server's reply
    assert error is not None
    assert (status, error.findtext("{*}Code"), error.findtext("{*}Type")) == (400, "InvalidAction", "Sender")


def test_garbage_cbor_is_a_serialization_error(send: Send) -> None:
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    status, headers, _ = send(
        "POST", path, b"\x5f\xff\x00", **{"smithy-protocol": "rpc-v2-cbor"}, **signed_for("monitoring")
    )
    assert (status, headers["x-amzn-query-error"]) == (400, "SerializationException;Sender")


def test_body_too_large_is_refused(send: Send) -> None:
    status, _, _ = send("POST", "/", b"", **{"Content-Length": str(64 * 1024 * 1024)})
    assert status == 413


def test_body_without_a_length_is_refused(send: Send) -> None:
    status, _, _ = send("POST", "/", b"", **{"Transfer-Encoding": "chunked", "Content-Length": "0"})
    assert status == 411


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"{}", mtime=0)[:-9]])
def test_broken_gzip_is_refused(send: Send, body: bytes) -> None:
    assert send("POST", "/TraceSegments", body, **{"Content-Encoding": "gzip"}, **signed_for("xray"))[0] == 400


def test_gzip_that_grows_without_bound_is_refused(send: Send) -> None:
    bomb = gzip.compress(bytes(32 * 1024 * 1024))
    assert send("POST", "/TraceSegments", bomb, **{"Content-Encoding": "gzip"}, **signed_for("xray"))[0] == 413


def test_admin_side_says_that_it_is_ready(send: Send) -> None:
    status, _, body = send("GET", "/_localaws/health")
    health: dict[str, Any] = json.loads(body)
    assert (status, health["status"]) == (200, "ready")
    assert {"eks", "sts", "xray"} <= health["services"].keys()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/_localaws/nothing", 404),
        ("POST", "/_localaws/health", 405),
        ("GET", "/_localaws/clusters/x/jwks", 404),
    ],
)
def test_admin_side_refuses_what_it_does_not_have(send: Send, method: str, path: str, status: int) -> None:
    assert send(method, path)[0] == status
