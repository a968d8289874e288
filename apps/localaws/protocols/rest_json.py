"""REST with JSON bodies: EKS, X-Ray."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel

from localaws.http import HttpReply, HttpRequest
from localaws.models import Shape, rest_operation
from localaws.protocols.base import (
    Protocol,
    error_members,
    error_shape,
    error_status,
    from_wire,
    scalar_from_wire,
    to_wire,
)
from localaws.service import ServiceError


class RestJson(Protocol):
    """https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html"""

    def operation(self, http: HttpRequest, service: str) -> str | None:
        found = rest_operation(service, http.method, http.path)
        return found[0] if found else None

    def parse(self, http: HttpRequest, model: OperationModel) -> dict[str, Any]:
        shape = model.input_shape
        if shape is None:
            return {}
        found = rest_operation(model.service_model.service_name, http.method, http.path)
        path = found[1] if found else {}
        parameters = _body_parameters(http.body, shape)
        parameters.update(_located(shape, path, http))
        return parameters

    def reply(self, result: dict[str, Any], model: OperationModel, request_id: str) -> HttpReply:
        body = to_wire(result, model.output_shape) if model.output_shape else {}
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": request_id}
        return HttpReply(model.http.get("responseCode", 200), orjson.dumps(body), headers)

    def refuse(self, error: ServiceError, model: ServiceModel | None, request_id: str) -> HttpReply:
        shape = error_shape(error, model)
        headers = {
            "Content-Type": "application/json",
            "x-amzn-RequestId": request_id,
            "x-amzn-ErrorType": error.code,
        }
        return HttpReply(error_status(error, shape), orjson.dumps(error_members(error, shape)), headers)


def json_body(body: bytes) -> dict[str, Any]:
    """The object in a body; an empty body is an empty object."""
    try:
        parsed = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise ServiceError("SerializationException", f"The body is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise ServiceError("SerializationException", "The body is not a JSON object")
    return parsed


def _body_parameters(body: bytes, shape: Shape) -> dict[str, Any]:
    parsed: dict[str, Any] = from_wire(json_body(body), shape)
    return {name: value for name, value in parsed.items() if "location" not in shape.members[name].serialization}


def _located(shape: Shape, path: dict[str, str], http: HttpRequest) -> dict[str, Any]:
    """The members that travel in the path, the query string and the headers."""
    query: dict[str, list[str]] = defaultdict(list)
    for name, value in http.query_items:
        query[name].append(value)
    located = {}
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri" if wire in path:
                located[name] = _from_text(path[wire], member)
            case "querystring" if wire in query:
                located[name] = _from_texts(query[wire], member)
            case "header" if wire.lower() in http.headers:
                located[name] = _from_text(http.headers[wire.lower()], member)
    return located


def _from_texts(texts: list[str], shape: Shape) -> Any:
    if shape.type_name == "list":
        return [_from_text(text, shape.member) for text in texts]
    return _from_text(texts[-1], shape)


def _from_text(text: str, shape: Shape) -> Any:
    """A scalar out of a path, a query or a header; what does not fit stays text, for the validation to refuse."""
    if shape.type_name in ("integer", "long") and text.lstrip("-").isdecimal():
        return int(text)
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    return scalar_from_wire(text, shape)
