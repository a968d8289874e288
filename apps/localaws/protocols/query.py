"""Form fields in, XML out: STS, IAM, CloudWatch's oldest clients."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, SubElement, tostring

from botocore.model import OperationModel, ServiceModel

from localaws.http import HttpReply, HttpRequest
from localaws.models import Shape
from localaws.protocols.base import Protocol, error_shape, error_status, scalar_from_wire
from localaws.service import ServiceError

_MISSING = object()
# XML 1.0 cannot tell them, so that no reply could hold them.
_NOT_IN_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


class Query(Protocol):
    """https://smithy.io/2.0/aws/protocols/aws-query-protocol.html"""

    def operation(self, http: HttpRequest, service: str) -> str | None:
        return _fields(http).get("Action")

    def parse(self, http: HttpRequest, model: OperationModel) -> dict[str, Any]:
        shape = model.input_shape
        fields = _fields(http)
        if any(_NOT_IN_XML.search(text) for text in fields.values()):
            raise ServiceError("ValidationError", "The request has characters that XML does not have.")
        parsed: dict[str, Any] = _structure(fields, "", shape) if shape else {}
        return parsed

    def reply(self, result: dict[str, Any], model: OperationModel, request_id: str) -> HttpReply:
        root = _root(f"{model.name}Response", model.service_model)
        if model.output_shape:
            wrapper = model.output_shape.serialization.get("resultWrapper", f"{model.name}Result")
            _append(SubElement(root, wrapper), result, model.output_shape)
        SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
        return _xml(200, root, request_id)

    def refuse(self, error: ServiceError, model: ServiceModel | None, request_id: str) -> HttpReply:
        shape = error_shape(error, model)
        status = error_status(error, shape)
        root = _root("ErrorResponse", model)
        body = SubElement(root, "Error")
        SubElement(body, "Type").text = "Sender" if status < 500 else "Receiver"
        SubElement(body, "Code").text = shape.error_code if shape else error.code
        SubElement(body, "Message").text = error.message
        SubElement(root, "RequestId").text = request_id
        return _xml(status, root, request_id)

    def unknown_operation(self, service: str, operation: str) -> ServiceError:
        if operation.startswith("/"):
            # REST with XML: no service of that kind is here.
            return ServiceError("NotImplemented", f"localaws does not implement {service}", 501)
        return ServiceError("InvalidAction", f"Could not find operation {operation} of {service}")


def _fields(http: HttpRequest) -> dict[str, str]:
    body = http.body.decode("utf-8", "replace") if http.method == "POST" else ""
    return dict([*http.query_items, *parse_qsl(body, keep_blank_values=True)])


def _value(fields: dict[str, str], prefix: str, shape: Shape) -> Any:
    """The value at a prefix such as `Tags.member.1`; _MISSING when no field has it."""
    match shape.type_name:
        case "structure":
            return _structure(fields, prefix, shape)
        case "list":
            return _list(fields, prefix, shape)
        case "map":
            return _map(fields, prefix, shape)
    return _scalar(fields[prefix], shape) if prefix in fields else _MISSING


def _structure(fields: dict[str, str], prefix: str, shape: Shape) -> Any:
    if prefix and not any(field == prefix or field.startswith(f"{prefix}.") for field in fields):
        return _MISSING
    members = {
        name: _value(fields, f"{prefix}.{wire}".lstrip("."), member)
        for name, member in shape.members.items()
        for wire in [member.serialization.get("name", name)]
    }
    return {name: value for name, value in members.items() if value is not _MISSING}


def _list(fields: dict[str, str], prefix: str, shape: Shape) -> Any:
    if fields.get(prefix) == "":
        return []
    if not shape.serialization.get("flattened"):
        prefix = f"{prefix}.{shape.member.serialization.get('name', 'member')}"
    items: list[Any] = []
    while (item := _value(fields, f"{prefix}.{len(items) + 1}", shape.member)) is not _MISSING:
        items.append(item)
    return items or _MISSING


def _map(fields: dict[str, str], prefix: str, shape: Shape) -> Any:
    if not shape.serialization.get("flattened"):
        prefix = f"{prefix}.entry"
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    found: dict[str, Any] = {}
    while (key := fields.get(f"{prefix}.{len(found) + 1}.{key_name}")) is not None and key not in found:
        found[key] = _value(fields, f"{prefix}.{len(found) + 1}.{value_name}", shape.value)
    return found or _MISSING


def _scalar(text: str, shape: Shape) -> Any:
    """A scalar; what does not fit stays text, for the validation to refuse."""
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}.get(text.lower(), text)
    except ValueError:
        return text
    return scalar_from_wire(text, shape)


def _root(name: str, model: ServiceModel | None) -> Element:
    namespace = model.metadata.get("xmlNamespace") if model else None
    return Element(name, {"xmlns": namespace} if namespace else {})


def _append(parent: Element, value: Any, shape: Shape) -> None:
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                _append_member(parent, name, member, shape.members[name])
        case "list":
            for item in value:
                _append(SubElement(parent, shape.member.serialization.get("name", "member")), item, shape.member)
        case "map":
            for key, item in value.items():
                entry = SubElement(parent, "entry")
                SubElement(entry, "key").text = key
                _append(SubElement(entry, "value"), item, shape.value)
        case _:
            parent.text = _text(value, shape)


def _append_member(parent: Element, name: str, value: Any, shape: Shape) -> None:
    if value is None:
        return
    wire = shape.serialization.get("name", name)
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        for item in value:
            _append(SubElement(parent, shape.member.serialization.get("name", wire)), item, shape.member)
        return
    _append(SubElement(parent, wire), value, shape)


def _text(value: Any, shape: Shape) -> str:
    if shape.type_name == "timestamp":
        moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return str(value)


def _xml(status: int, root: Element, request_id: str) -> HttpReply:
    return HttpReply(status, tostring(root), {"Content-Type": "text/xml", "x-amzn-RequestId": request_id})
