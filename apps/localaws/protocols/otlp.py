"""OpenTelemetry's protocol over HTTP, in protobuf or JSON: X-Ray's endpoint for spans, which no model of AWS has.

Sources: OpenTelemetry Protocol Specification, "OTLP/HTTP"; CloudWatch user guide, "OTLP endpoints".
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import orjson
from botocore.model import OperationModel, ServiceModel

from localaws.http import HttpReply, HttpRequest
from localaws.protocols.base import Protocol, error_shape, error_status
from localaws.protocols.rest_json import json_body
from localaws.service import ServiceError

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATH: Final = "/v1/traces"
OPERATION: Final = "PutSpans"
"""The action that allows it, in the service authorization reference of X-Ray."""
BODY_LIMIT_BYTES: Final = 5 * 1024**2
_PROTOBUF: Final = "application/x-protobuf"
_JSON: Final = "application/json"
_IDS: Final = ("traceId", "spanId", "parentSpanId")
# https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto, by HTTP status.
_RPC_CODES: Final = {403: 7, 404: 5, 429: 8, 500: 13, 501: 12, 503: 14}
_INVALID_ARGUMENT: Final = 3


class Otlp(Protocol):
    """One of the two encodings; replies have the encoding of the request."""

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type

    def operation(self, http: HttpRequest, service: str) -> str | None:
        return OPERATION if (http.method, service) == ("POST", "xray") else None

    def parse(self, http: HttpRequest, model: OperationModel) -> dict[str, Any]:
        """`{"request": ...}` with an ExportTraceServiceRequest."""
        if http.content_type not in (_PROTOBUF, _JSON):
            raise ServiceError("UnsupportedMediaTypeException", f"{_PROTOBUF} and {_JSON} are taken", 415)
        if http.headers.get("content-encoding", "identity") not in ("gzip", "identity"):
            raise ServiceError("UnsupportedMediaTypeException", "bodies are compressed by gzip or not at all", 415)
        if len(http.body) > BODY_LIMIT_BYTES:
            message = f"The body has {len(http.body)} bytes uncompressed, more than {BODY_LIMIT_BYTES}"
            raise ServiceError("RequestEntityTooLargeException", message, 413)
        return {"request": _from_json(http.body) if self._content_type == _JSON else _from_protobuf(http.body)}

    def reply(self, result: dict[str, Any], model: OperationModel, request_id: str) -> HttpReply:
        """The reply for `rejected` spans and the `message` that says why, both empty where all were taken."""
        rejected, message = result["rejected"], result["message"]
        if self._content_type == _JSON:
            told = {"rejectedSpans": str(rejected), "errorMessage": message} if rejected else {}
            return self._reply(200, orjson.dumps({"partialSuccess": told}), request_id)
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

        answer = trace_service_pb2.ExportTraceServiceResponse()
        if rejected:
            answer.partial_success.rejected_spans = rejected
            answer.partial_success.error_message = message
        return self._reply(200, answer.SerializeToString(), request_id)

    def refuse(self, error: ServiceError, model: ServiceModel | None, request_id: str) -> HttpReply:
        """A google.rpc.Status."""
        status = error_status(error, error_shape(error, model))
        code = _RPC_CODES.get(status, _INVALID_ARGUMENT)
        if self._content_type == _JSON:
            body = orjson.dumps({"code": code, "message": error.message})
        else:
            from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

            # On the wire a Status is what this is, a number and a text; its own message is in no package here.
            told = trace_service_pb2.ExportTracePartialSuccess(rejected_spans=code, error_message=error.message)
            body = told.SerializeToString()
        reply = self._reply(status, body, request_id)
        return HttpReply(status, body, {**reply.headers, "x-amzn-ErrorType": error.code})

    def _reply(self, status: int, body: bytes, request_id: str) -> HttpReply:
        return HttpReply(status, body, {"Content-Type": self._content_type, "x-amzn-RequestId": request_id})


OTLP_JSON: Final = Otlp(_JSON)
OTLP_PROTOBUF: Final = Otlp(_PROTOBUF)


def otlp_of(http: HttpRequest) -> Otlp | None:
    """The encoding of a request for spans; None for other requests."""
    if http.path != PATH:
        return None
    return OTLP_JSON if http.content_type == _JSON else OTLP_PROTOBUF


def _from_protobuf(body: bytes) -> ExportTraceServiceRequest:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    try:
        made = trace_service_pb2.ExportTraceServiceRequest()
        made.ParseFromString(body)
    except DecodeError as error:
        raise ServiceError("SerializationException", f"The body is no ExportTraceServiceRequest: {error}") from error
    return made


def _from_json(body: bytes) -> ExportTraceServiceRequest:
    from google.protobuf.json_format import ParseDict, ParseError
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    try:
        document = _with_base64_ids(json_body(body))
        made = trace_service_pb2.ExportTraceServiceRequest()
        ParseDict(document, made, ignore_unknown_fields=True)
    except (ParseError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ServiceError("SerializationException", f"The body is no ExportTraceServiceRequest: {error}") from error
    return made


def _with_base64_ids(value: Any) -> Any:
    """Ids as protobuf's JSON has bytes: in OTLP's JSON they are hexadecimal."""
    if isinstance(value, list):
        return [_with_base64_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64encode(binascii.unhexlify(item)).decode() if key in _IDS else _with_base64_ids(item)
        for key, item in value.items()
    }
