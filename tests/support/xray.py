"""X-Ray's operations without HTTP before them, on a clock that moves when it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.parsers import create_parser
from botocore.validate import validate_parameters
from localaws.models import operation_model
from localaws.protocols.rest_json import RestJson
from localaws.service import Request, Service
from localaws.xray import create_service

NOW = 1_800_000_000.0
ACCOUNT = "123456789012"

Call = Callable[..., dict[str, Any]]


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def xray_service(clock: Callable[[], float], may_write_spans: bool = True, transition_seconds: float = 1.0) -> Service:
    """An X-Ray that holds nothing."""
    return create_service(clock, lambda _region, _account: may_write_spans, transition_seconds)


def xray_caller(service: Service) -> Call:
    """Calls operations by name; each answer goes over the wire, and is held against the shape that AWS's model has."""

    def call(operation: str, region: str = "eu-west-1", **parameters: Any) -> dict[str, Any]:
        model = operation_model("xray", operation)
        assert model is not None
        assert model.output_shape is not None
        result = service.operations[operation](Request(operation, parameters, region, ACCOUNT))
        reply = RestJson().reply(result, model, "request")
        wire = {"status_code": reply.status, "headers": reply.headers, "body": reply.body}
        answer: dict[str, Any] = create_parser("rest-json").parse(wire, model.output_shape)
        del answer["ResponseMetadata"]
        validate_parameters(answer, model.output_shape)
        return answer

    return call


def trace_id(number: int = 1, second: float = NOW - 60) -> str:
    """The id of a trace that began at a second."""
    return f"1-{int(second):08x}-{number:024x}"


def segment(**members: Any) -> dict[str, Any]:
    """A quarter of a second of the shop's storefront."""
    start = members.get("start_time", NOW - 60)
    return {
        "id": "00000000000000a1",
        "trace_id": trace_id(),
        "name": "ecommerce-frontend",
        "start_time": start,
        "end_time": start + 0.25,
        **members,
    }


def remote(**members: Any) -> dict[str, Any]:
    """A tenth of a second of Redis, as a subsegment."""
    return {
        "id": "00000000000000b1",
        "name": "redis",
        "namespace": "remote",
        "start_time": NOW - 60,
        "end_time": NOW - 59.9,
        **members,
    }


def put(call: Call, *documents: dict[str, Any] | str) -> list[dict[str, Any]]:
    """Sends documents and returns what was said of those that X-Ray does not take."""
    texts = [document if isinstance(document, str) else json.dumps(document) for document in documents]
    unprocessed: list[dict[str, Any]] = call("PutTraceSegments", TraceSegmentDocuments=texts)[
        "UnprocessedTraceSegments"
    ]
    return unprocessed


def moment(epoch_seconds: float) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def window(seconds: float = 3600) -> dict[str, datetime]:
    """StartTime and EndTime of the last seconds."""
    return {"StartTime": moment(NOW - seconds), "EndTime": moment(NOW)}


def graph(call: Call) -> tuple[dict[tuple[str, str | None], dict[str, Any]], dict[tuple[str, str], dict[str, Any]]]:
    """The services by name and type, and the edges by "type:name" of their ends."""
    services = call("GetServiceGraph", StartTime=moment(NOW - 3600), EndTime=moment(NOW))["Services"]
    names = {s["ReferenceId"]: s["Name"] if s.get("Type") != "client" else "client" for s in services}
    edges = {
        (names[service["ReferenceId"]], names[edge["ReferenceId"]]): edge
        for service in services
        for edge in service["Edges"]
    }
    return {(s["Name"], s.get("Type")): s for s in services}, edges
