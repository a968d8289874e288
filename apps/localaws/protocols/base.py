"""What a wire protocol does, and what those that carry trees of values share."""

from __future__ import annotations

import base64
import binascii
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel
from botocore.utils import parse_timestamp

from localaws.http import HttpReply, HttpRequest
from localaws.models import Shape
from localaws.service import ServiceError

Tree = Any


class Protocol(ABC):
    """One of AWS's protocols."""

    @abstractmethod
    def operation(self, http: HttpRequest, service: str) -> str | None:
        """The name of the operation that is asked for, None when the request names none."""

    @abstractmethod
    def parse(self, http: HttpRequest, model: OperationModel) -> dict[str, Any]:
        """The parameters by the model's names. A value of the wrong type is left as it is, for the validation.

        Raises ServiceError SerializationException when the body cannot be read at all.
        """

    @abstractmethod
    def reply(self, result: dict[str, Any], model: OperationModel, request_id: str) -> HttpReply:
        """The reply for a result, which holds members of the operation's output shape only."""

    @abstractmethod
    def refuse(self, error: ServiceError, model: ServiceModel | None, request_id: str) -> HttpReply:
        """The reply for an error."""

    def unknown_operation(self, service: str, operation: str) -> ServiceError:
        """The error for an operation that the service does not have."""
        return ServiceError("UnknownOperationException", f"{service} has no operation {operation}", 404)


def error_shape(error: ServiceError, model: ServiceModel | None) -> Shape | None:
    """The model's shape of an error, found by its code or its name."""
    shapes: list[Shape] = [*model.error_shapes] if model else []
    for shape in shapes:
        if error.code in (shape.error_code, shape.name):
            return shape
    return None


def error_status(error: ServiceError, shape: Shape | None) -> int:
    """The HTTP status: the model's where it has one, else the one the error was raised with."""
    modelled = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
    return int(modelled or error.status)


def error_members(error: ServiceError, shape: Shape | None) -> dict[str, Any]:
    """The members of an error's body; X-Ray and some others spell `Message`."""
    name = "Message" if shape and "Message" in shape.members else "message"
    return {name: error.message, **error.extra}


def from_wire(value: Tree, shape: Shape) -> Any:
    """A parsed JSON or CBOR value by the model's names; unknown members and nulls are left out, as AWS does."""
    match shape.type_name, value:
        case "structure", dict() if not shape.is_document_type:
            return {
                name: from_wire(value[wire], member)
                for name, member in shape.members.items()
                if value.get(wire := member.serialization.get("name", name)) is not None
            }
        case "list", list():
            return [from_wire(item, shape.member) for item in value]
        case "map", dict():
            return {key: from_wire(item, shape.value) for key, item in value.items() if item is not None}
    return scalar_from_wire(value, shape)


def scalar_from_wire(value: Any, shape: Shape) -> Any:
    """A timestamp or a blob of JSON; anything else as it is."""
    if shape.type_name == "timestamp" and not isinstance(value, datetime):
        return _timestamp(value)
    if shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ServiceError("SerializationException", f"'{value[:40]}' is not base64") from error
    return value


def _timestamp(value: Any) -> datetime:
    try:
        parsed: datetime = parse_timestamp(value)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise ServiceError("SerializationException", f"'{value}' is not a timestamp") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def to_wire(value: Any, shape: Shape) -> Tree:
    """A result as JSON values: timestamps as seconds since the epoch, blobs as base64.

    An orjson.Fragment is JSON already. Raises KeyError for a member that the shape does not have.
    """
    if isinstance(value, orjson.Fragment):
        return value
    match shape.type_name:
        case "structure" if not shape.is_document_type:
            members = shape.members
            return {
                members[name].serialization.get("name", name): to_wire(member, members[name])
                for name, member in value.items()
                if member is not None
            }
        case "list":
            return [to_wire(item, shape.member) for item in value]
        case "map":
            return {key: to_wire(item, shape.value) for key, item in value.items()}
        case "timestamp":
            return epoch_seconds(value)
        case "blob":
            return base64.b64encode(value).decode()
    return value


def epoch_seconds(value: datetime | float) -> float:
    """Seconds since the epoch of an aware datetime or of such seconds, to the millisecond, as AWS has them."""
    return round(value.timestamp() if isinstance(value, datetime) else value, 3)
