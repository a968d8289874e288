"""X-Ray's endpoint for OpenTelemetry's spans over HTTP: encodings, answers and refusals."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from support.otlp import ID, export, span

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
SCOPE = "AKIAIOSFODNN7EXAMPLE/20260101/eu-west-1/xray/aws4_request"
SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature=0"}

Reply = tuple[int, bytes, Mapping[str, str]]


@pytest.fixture(scope="module")
def endpoint(localaws_url: str, clients: Callable[..., Any]) -> Iterator[Callable[..., Reply]]:
    """Posts a body to the endpoint of an account with Transaction Search."""
    allow = {"Effect": "Allow", "Principal": {"Service": "xray.amazonaws.com"}, "Action": "*", "Resource": "*"}
    clients("logs").put_resource_policy(policyName="spans", policyDocument=json.dumps({"Statement": [allow]}))
    xray = clients("xray")
    xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    while xray.get_trace_segment_destination()["Status"] != "ACTIVE":
        pass
    connection = HTTPConnection(urlsplit(localaws_url).netloc)

    def post(body: bytes, headers: Mapping[str, str], path: str = "/v1/traces") -> Reply:
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read(), {name.lower(): value for name, value in response.headers.items()}

    yield post
    connection.close()


def timely(*spans: Span) -> ExportTraceServiceRequest:
    """Spans of today, for a stand-in whose clock is the machine's."""
    for sent in spans:
        sent.start_time_unix_nano = time.time_ns() - 10**9
        sent.end_time_unix_nano = time.time_ns()
    return export(*spans)


@pytest.mark.parametrize("is_zipped", [False, True])
def test_protobuf_is_answered_by_protobuf(endpoint: Callable[..., Reply], is_zipped: bool) -> None:
    body = timely(span(1), span(2, span_id=b"short")).SerializeToString()
    zipped = {"Content-Encoding": "gzip"} if is_zipped else {}
    status, content, headers = endpoint(gzip.compress(body) if is_zipped else body, {**SIGNED, **PROTOBUF, **zipped})
    assert (status, headers["content-type"]) == (200, "application/x-protobuf")
    told = ExportTraceServiceResponse.FromString(content).partial_success
    assert (told.rejected_spans, told.error_message[:27]) == (1, "a span needs a traceId of 1")


def test_whole_success_says_nothing(endpoint: Callable[..., Reply]) -> None:
    body = timely(span(1)).SerializeToString()
    assert endpoint(body, {**SIGNED, **PROTOBUF})[:2] == (200, b"")


def test_json_is_answered_by_json(endpoint: Callable[..., Reply]) -> None:
    sent = timely(span(1)).resource_spans[0].scope_spans[0].spans[0]
    told = {
        "traceId": ID.hex(),
        "spanId": "00000000000000aa",
        "name": "x",
        "kind": 2,
        "startTimeUnixNano": str(sent.start_time_unix_nano),
        "endTimeUnixNano": str(sent.end_time_unix_nano),
        "attributes": [{"key": "a", "value": {"arrayValue": {"values": [{"intValue": "5"}]}}}],
        "unknown": 1,
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [told, {**told, "spanId": "00"}]}]}]}
    status, content, headers = endpoint(json.dumps(body).encode(), {**SIGNED, **JSON})
    assert (status, headers["content-type"]) == (200, "application/json")
    success = json.loads(content)["partialSuccess"]
    assert (success["rejectedSpans"], success["errorMessage"][:12]) == ("1", "a span needs")


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({**PROTOBUF}, b"", 403, 7),
        ({**SIGNED, **PROTOBUF}, b"\xff\xff", 400, 3),
        ({**SIGNED, "Content-Type": "text/plain"}, b"", 415, 3),
        ({**SIGNED, **PROTOBUF, "Content-Encoding": "zstd"}, b"", 415, 3),
        ({**SIGNED, **PROTOBUF}, b"\0" * (5 * 1024**2 + 1), 413, 3),
        ({"Authorization": SIGNED["Authorization"].replace("xray", "eks"), **PROTOBUF}, b"", 404, 5),
    ],
)
def test_refusal_is_a_status_of_protobuf(
    endpoint: Callable[..., Reply], headers: dict[str, str], body: bytes, status: int, code: int
) -> None:
    answered, content, _unused = endpoint(body, headers)
    told = ExportTracePartialSuccess.FromString(content)
    assert (answered, told.rejected_spans, bool(told.error_message)) == (status, code, True)


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({**JSON}, b"{}", 403, 7),
        ({**SIGNED, **JSON}, b"no JSON", 400, 3),
        ({**SIGNED, **JSON}, b"[]", 400, 3),
        ({**SIGNED, **JSON}, b'{"resourceSpans": 5}', 400, 3),
        ({**SIGNED, **JSON}, b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}', 400, 3),
        ({**SIGNED, **JSON}, '{"traceId": "é"}'.encode(), 400, 3),
        ({**SIGNED, **JSON}, b'{"a":' * 900 + b"1" + b"}" * 900, 400, 3),
    ],
)
def test_refusal_is_a_status_of_json(
    endpoint: Callable[..., Reply], headers: dict[str, str], body: bytes, status: int, code: int
) -> None:
    answered, content, _unused = endpoint(body, headers)
    told = json.loads(content)
    assert (answered, told["code"], bool(told["message"])) == (status, code, True)


def test_spans_want_the_permission(
    endpoint: Callable[..., Reply], localaws_url: str, clients: Callable[..., Any]
) -> None:
    iam, body = clients("iam"), timely(span(1)).SerializeToString()
    iam.create_user(UserName="exporter")
    key = iam.create_access_key(UserName="exporter")["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def signed_post() -> Reply:
        request = AWSRequest("POST", f"{localaws_url}/v1/traces", headers=PROTOBUF, data=body)
        SigV4Auth(credentials, "xray", "eu-west-1").add_auth(request)
        return endpoint(body, dict(request.headers))

    status, content, _unused = signed_post()
    told = ExportTracePartialSuccess.FromString(content)
    assert (status, told.rejected_spans) == (403, 7)
    assert "user/exporter is not authorized to perform: xray:PutSpans" in told.error_message
    statement = {"Effect": "Allow", "Action": "xray:PutSpans", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="exporter", PolicyName="spans", PolicyDocument=document)
    assert signed_post()[0] == 200
