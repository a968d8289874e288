"""Holds answers against botocore's output shapes: members, types, what is required, enumerations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError, create_parser
from botocore.validate import ParamValidator

from localaws.http import HttpReply
from localaws.models import Shape


class ReplyError(AssertionError):
    """An answer that AWS would not give."""


def check_result(result: dict[str, Any], operation: OperationModel) -> None:
    """Raises ReplyError when an operation's result does not fit its output shape."""
    if operation.output_shape is None:
        return
    present = _without_nulls(result)
    report = ParamValidator().validate(present, operation.output_shape)
    complaints = [report.generate_report()] if report.has_errors() else []
    complaints = complaints or list(_strange_values(present, operation.output_shape, operation.name))
    if complaints:
        raise ReplyError(f"{operation.name}: {'; '.join(complaints)}")


def check_reply(reply: HttpReply, operation: OperationModel) -> None:
    """The same for a whole reply, as botocore's client reads it; errors are not looked at."""
    if reply.status >= 300 or operation.output_shape is None:
        return
    parser = create_parser(operation.service_model.metadata["protocol"])
    response = {"status_code": reply.status, "headers": dict(reply.headers), "body": reply.body}
    try:
        parsed = parser.parse(response, operation.output_shape)
    except ResponseParserError as error:
        raise ReplyError(f"{operation.name}: {error}") from error
    check_result({name: value for name, value in parsed.items() if name != "ResponseMetadata"}, operation)


def _without_nulls(value: Any) -> Any:
    """A result without the members that the protocols leave out; what is JSON already is read."""
    if isinstance(value, orjson.Fragment):
        return _without_nulls(orjson.loads(orjson.dumps(value)))
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list | tuple) else value


def _strange_values(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """The texts that are not of their enumeration."""
    match shape.type_name:
        case "structure" if not shape.is_document_type:
            for name, item in value.items():
                yield from _strange_values(item, shape.members[name], f"{path}.{name}")
        case "list":
            for item in value:
                yield from _strange_values(item, shape.member, f"{path}[]")
        case "map":
            for item in value.values():
                yield from _strange_values(item, shape.value, f"{path}.*")
        case "string" if shape.enum and value not in shape.enum:
            yield f"{path}: '{value}' is none of {', '.join(shape.enum)}"
