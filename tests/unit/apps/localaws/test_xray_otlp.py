"""X-Ray's endpoint for OpenTelemetry's spans: what it takes, what it refuses, and the segments it makes of spans."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from localaws.service import Request, Service, ServiceError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from support.otlp import CLIENT, INTERNAL, SERVER, export, key_values, span
from support.xray import ACCOUNT, NOW, Call, Clock, trace_id, window, xray_caller, xray_service


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(clock: Clock) -> Service:
    """An X-Ray with Transaction Search, every trace indexed."""
    service = xray_service(clock)
    call = xray_caller(service)
    call("UpdateTraceSegmentDestination", Destination="CloudWatchLogs")
    clock.now += 1
    call("UpdateIndexingRule", Name="Default", Rule={"Probabilistic": {"DesiredSamplingPercentage": 100}})
    return service


def put_spans(service: Service, *requests: ExportTraceServiceRequest) -> dict[str, Any]:
    answers = [
        service.operations["PutSpans"](Request("PutSpans", {"request": request}, "eu-west-1", ACCOUNT))
        for request in requests
    ]
    return answers[-1]


def documents(call: Call, clock: Clock) -> list[dict[str, Any]]:
    token = call("StartTraceRetrieval", TraceIds=[trace_id()], **window())["RetrievalToken"]
    clock.now += 1
    traces = call("ListRetrievedTraces", RetrievalToken=token)["Traces"]
    return [json.loads(found["Document"]) for trace in traces for found in trace["Spans"]]


@pytest.fixture
def converted(service: Service, clock: Clock) -> Callable[..., dict[str, Any]]:
    """Sends one span and gives the segment document that became of it."""

    def convert(sent: Span, **resource: Any) -> dict[str, Any]:
        assert put_spans(service, export(sent, **resource)) == {"rejected": 0, "message": ""}
        (document,) = documents(xray_caller(service), clock)
        return document

    return convert


def test_server_span_becomes_a_segment(converted: Callable[..., dict[str, Any]]) -> None:
    attributes = {
        "http.request.method": "GET",
        "url.full": "http://shop/cart?x=1",
        "http.response.status_code": 200,
        "user_agent.original": "locust",
        "client.address": "10.0.0.1",
        "enduser.id": "ada",
        "shop.items": 3,
        "http_route": "/cart",
        "aws.xray.annotations": ["http_route"],
    }
    resource = {"cloud.platform": "aws_eks", "k8s.cluster.name": "shop", "telemetry.sdk.language": "python"}
    document = converted(span(1, parent=9, attributes=attributes), **resource)
    assert document == {
        "id": "0000000000000001",
        "trace_id": trace_id(),
        "parent_id": "0000000000000009",
        "name": "front",
        "start_time": NOW - 60,
        "end_time": pytest.approx(NOW - 59.9),
        "origin": "AWS::EKS::Container",
        "aws": {"eks": {"cluster_name": "shop"}, "xray": {"sdk": "opentelemetry for python"}},
        "http": {
            "request": {
                "method": "GET",
                "url": "http://shop/cart?x=1",
                "user_agent": "locust",
                "client_ip": "10.0.0.1",
            },
            "response": {"status": 200},
        },
        "user": "ada",
        "annotations": {"http_route": "/cart"},
        "metadata": {
            "default": {
                "shop.items": 3,
                "otel.resource.service.name": "front",
                "otel.resource.cloud.platform": "aws_eks",
                "otel.resource.k8s.cluster.name": "shop",
                "otel.resource.telemetry.sdk.language": "python",
                "otel.span.name": "GET /cart",
            }
        },
    }


@pytest.mark.parametrize(
    ("attributes", "request_told"),
    [
        (
            {"http.method": "POST", "http.scheme": "https", "http.host": "shop:8443", "http.target": "/a?b=1"},
            {"method": "POST", "url": "https://shop:8443/a?b=1"},
        ),
        ({"http.method": "PUT", "http.url": "http://shop/x"}, {"method": "PUT", "url": "http://shop/x"}),
        (
            {
                "http.request.method": "GET",
                "server.address": "shop",
                "server.port": 80,
                "url.path": "/a",
                "url.query": "b",
            },
            {"method": "GET", "url": "http://shop:80/a?b"},
        ),
        (
            {"http.method": "GET", "net.host.name": "shop", "http.user_agent": "x", "http.client_ip": "::1"},
            {"method": "GET", "url": "http://shop/", "user_agent": "x", "client_ip": "::1"},
        ),
        ({"http.request.method": "GET"}, {"method": "GET"}),
    ],
)
def test_http_is_read_in_old_and_new_conventions(
    converted: Callable[..., dict[str, Any]], attributes: dict[str, Any], request_told: dict[str, Any]
) -> None:
    document = converted(span(1, attributes=attributes))
    assert document["http"]["request"] == request_told
    assert not attributes.keys() & document["metadata"]["default"].keys()


@pytest.mark.parametrize(
    ("kind", "attributes", "name", "namespace"),
    [
        (CLIENT, {"peer.service": "backend"}, "backend", "remote"),
        (CLIENT, {"aws.remote.service": "backend?"}, "backend", "remote"),
        (CLIENT, {"rpc.system": "aws-api", "rpc.service": "DynamoDB"}, "DynamoDB", "aws"),
        (CLIENT, {"db.system": "postgresql", "db.name": "shop", "net.peer.name": "db"}, "shop@db", "remote"),
        (CLIENT, {"db.system.name": "redis"}, "redis", "remote"),
        (CLIENT, {"rpc.service": "Grpc"}, "Grpc", "remote"),
        (CLIENT, {"server.address": "api.example.com"}, "api.example.com", "remote"),
        (Span.SPAN_KIND_PRODUCER, {}, "GET /cart", "remote"),
        (INTERNAL, {"peer.service": "backend"}, "GET /cart", None),
    ],
)
def test_other_spans_become_subsegments(
    converted: Callable[..., dict[str, Any]], kind: Any, attributes: dict[str, Any], name: str, namespace: str | None
) -> None:
    document = converted(span(1, kind, parent=9, attributes=attributes))
    assert (document["name"], document.get("namespace")) == (name, namespace)
    assert (document["type"], document["parent_id"]) == ("subsegment", "0000000000000009")
    assert "origin" not in document


def test_call_of_aws_tells_its_resource(converted: Callable[..., dict[str, Any]]) -> None:
    attributes = {
        "rpc.system": "aws-api",
        "rpc.service": "SQS",
        "rpc.method": "SendMessage",
        "aws.queue_url": "https://q",
    }
    document = converted(span(1, CLIENT, parent=9, attributes=attributes))
    assert document["aws"] == {"operation": "SendMessage", "queue_url": "https://q"}


def test_statement_of_a_database_is_told(converted: Callable[..., dict[str, Any]]) -> None:
    attributes = {"db.system": "postgresql", "db.statement": "SELECT 1", "db.user": "shop", "db.name": "shop"}
    document = converted(span(1, CLIENT, parent=9, attributes=attributes))
    assert document["sql"] == {"database_type": "PostgreSQL", "sanitized_query": "SELECT 1", "user": "shop"}


@pytest.mark.parametrize(
    ("status", "code", "flags"),
    [
        (200, Status.STATUS_CODE_UNSET, set()),
        (404, Status.STATUS_CODE_UNSET, {"error"}),
        (429, Status.STATUS_CODE_ERROR, {"error", "throttle"}),
        (500, Status.STATUS_CODE_UNSET, {"fault"}),
        (None, Status.STATUS_CODE_ERROR, {"fault"}),
        (None, Status.STATUS_CODE_OK, set()),
    ],
)
def test_status_becomes_flags(
    converted: Callable[..., dict[str, Any]], status: int | None, code: Any, flags: set[str]
) -> None:
    attributes = {} if status is None else {"http.response.status_code": status}
    document = converted(span(1, attributes=attributes, status=Status(code=code)))
    assert {flag for flag in ("error", "throttle", "fault") if document.get(flag)} == flags


def test_exceptions_become_the_cause(converted: Callable[..., dict[str, Any]]) -> None:
    attributes = key_values({"exception.type": "KeyError", "exception.message": "no such product"})
    events = [Span.Event(name="exception", attributes=attributes), Span.Event(name="other")]
    document = converted(span(1, events=events))
    (exception,) = document["cause"]["exceptions"]
    assert (exception["type"], exception["message"]) == ("KeyError", "no such product")


def test_failure_without_an_exception_tells_its_message(converted: Callable[..., dict[str, Any]]) -> None:
    document = converted(span(1, status=Status(code=Status.STATUS_CODE_ERROR, message="too late")))
    assert [exception["message"] for exception in document["cause"]["exceptions"]] == ["too late"]


def test_spans_in_any_order_become_one_trace_and_its_graph(service: Service, clock: Clock) -> None:
    call = xray_caller(service)
    query = span(4, CLIENT, parent=3, attributes={"db.system": "redis"})
    ask = span(2, CLIENT, parent=5, attributes={"peer.service": "back"})
    put_spans(
        service,
        export(query, span(3, SERVER, parent=2), **{"service.name": "back"}),
        export(ask, span(5, INTERNAL, parent=1), span(1)),
    )
    (summary,) = call("GetTraceSummaries", **window())["TraceSummaries"]
    assert (summary["EntryPoint"]["Name"], summary["Revision"]) == ("front", 5)
    services = call("GetServiceGraph", **window())["Services"]
    names = {found["ReferenceId"]: (found["Name"], found.get("Type")) for found in services}
    edges = {(names[found["ReferenceId"]], names[edge["ReferenceId"]]) for found in services for edge in found["Edges"]}
    assert edges == {
        (("front", "client"), ("front", None)),
        (("front", None), ("back", None)),
        (("back", None), ("redis", "remote")),
    }
    front, back = sorted(documents(call, clock), key=lambda document: "parent_id" in document)
    assert front["subsegments"][0]["subsegments"][0]["name"] == back["name"] == "back"


def test_trace_of_the_w3c_is_found_by_the_time_of_its_spans(service: Service) -> None:
    put_spans(service, export(span(1, trace_id=bytes(range(16)))))
    (summary,) = xray_caller(service)("GetTraceSummaries", **window())["TraceSummaries"]
    assert summary["Id"] == "1-00010203-0405060708090a0b0c0d0e0f"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"trace_id": b"1"}, "a span needs a traceId"),
        ({"span_id": bytes(8)}, "a span needs a traceId"),
        ({"end_time_unix_nano": 5}, "ends before it starts"),
        ({"attributes": {"long": "x" * 210_000}}, "has more than 204800 bytes"),
    ],
)
def test_wrong_spans_are_rejected_alone(service: Service, wrong: dict[str, Any], message: str) -> None:
    answer = put_spans(service, export(span(1), span(2, **wrong)))
    assert answer["rejected"] == 1
    assert message in answer["message"]
    (summary,) = xray_caller(service)("GetTraceSummaries", **window())["TraceSummaries"]
    assert summary["Revision"] == 1


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([span(1, start=NOW - 15 * 24 * 3600)], "14 days in the past"),
        ([span(1, start=NOW + 3 * 3600)], "2 hours in the future"),
        ([span(1), span(2, start=NOW - 25 * 3600)], "within 24 hours"),
        ([span(1)] * 10_001, "more than 10000"),
    ],
)
def test_request_beyond_the_limits_is_refused(service: Service, spans: list[Span], message: str) -> None:
    with pytest.raises(ServiceError, match=f"InvalidRequestException: .*{message}"):
        put_spans(service, export(*spans))


def test_spans_want_transaction_search(clock: Clock) -> None:
    with pytest.raises(ServiceError, match="The OTLP API is supported with CloudWatch Logs as a Trace Segment Dest"):
        put_spans(xray_service(clock), export(span(1)))
