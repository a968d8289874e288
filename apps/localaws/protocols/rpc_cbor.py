"""Smithy's RPC v2 with CBOR bodies: CloudWatch's present clients."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.model import OperationModel, ServiceModel

from localaws.http import HttpReply, HttpRequest
from localaws.models import Shape
from localaws.protocols import cbor
from localaws.protocols.base import Protocol, error_members, error_shape, error_status, from_wire
from localaws.service import ServiceError


class RpcCbor(Protocol):
    """https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html"""

    def operation(self, http: HttpRequest, service: str) -> str | None:
        parts = http.path.strip("/").split("/")
        return parts[3] if len(parts) == 4 and parts[0] == "service" and parts[2] == "operation" else None

    def parse(self, http: HttpRequest, model: OperationModel) -> dict[str, Any]:
        try:
            body = cbor.loads(http.body) if http.body else {}
        except cbor.CborError as error:
            raise ServiceError("SerializationException", str(error)) from error
        if not isinstance(body, dict):
            raise ServiceError("SerializationException", "The body is not a CBOR map")
        parsed: dict[str, Any] = from_wire(body, model.input_shape) if model.input_shape else {}
        return parsed

    def reply(self, result: dict[str, Any], model: OperationModel, request_id: str) -> HttpReply:
        body = _to_cbor(result, model.output_shape) if model.output_shape else {}
        return HttpReply(200, cbor.dumps(body), _headers(request_id))

    def refuse(self, error: ServiceError, model: ServiceModel | None, request_id: str) -> HttpReply:
        shape = error_shape(error, model)
        status = error_status(error, shape)
        headers = _headers(request_id)
        if model and "awsQueryCompatible" in model.metadata:
            code = shape.error_code if shape else error.code
            headers["x-amzn-query-error"] = f"{code};{'Sender' if status < 500 else 'Receiver'}"
        body = {"__type": shape.name if shape else error.code, **error_members(error, shape)}
        return HttpReply(status, cbor.dumps(body), headers)


def _to_cbor(value: Any, shape: Shape) -> Any:
    """The result by wire names: timestamps as datetimes, floats as floats, whatever number they were given as."""
    match shape.type_name:
        case "structure":
            members = shape.members
            return {name: _to_cbor(item, members[name]) for name, item in value.items() if item is not None}
        case "list":
            return [_to_cbor(item, shape.member) for item in value]
        case "map":
            return {key: _to_cbor(item, shape.value) for key, item in value.items()}
        case "timestamp":
            return value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
        case "float" | "double":
            return float(value)
    return value


def _headers(request_id: str) -> dict[str, str]:
    return {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", "x-amzn-RequestId": request_id}
