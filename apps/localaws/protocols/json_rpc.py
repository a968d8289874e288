"""JSON over one path, the operation in X-Amz-Target: CloudWatch Logs, ECR."""

from __future__ import annotations

from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel

from localaws.http import HttpReply, HttpRequest
from localaws.protocols.base import Protocol, error_members, error_shape, error_status, from_wire, to_wire
from localaws.protocols.rest_json import json_body
from localaws.service import ServiceError


class JsonRpc(Protocol):
    """https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html"""

    def operation(self, http: HttpRequest, service: str) -> str | None:
        return http.headers.get("x-amz-target", "").rpartition(".")[2] or None

    def parse(self, http: HttpRequest, model: OperationModel) -> dict[str, Any]:
        shape = model.input_shape
        parsed: dict[str, Any] = from_wire(json_body(http.body), shape) if shape else {}
        return parsed

    def reply(self, result: dict[str, Any], model: OperationModel, request_id: str) -> HttpReply:
        body = to_wire(result, model.output_shape) if model.output_shape else {}
        return HttpReply(200, orjson.dumps(body), _headers(request_id))

    def refuse(self, error: ServiceError, model: ServiceModel | None, request_id: str) -> HttpReply:
        shape = error_shape(error, model)
        body = {"__type": error.code, **error_members(error, shape)}
        return HttpReply(error_status(error, shape), orjson.dumps(body), _headers(request_id))


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": request_id}
