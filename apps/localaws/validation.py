"""Holds parameters against botocore's model of the operation and says what is wrong as AWS does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.validate import ParamValidator

from localaws.models import Shape
from localaws.service import ServiceError

# The code by which a service refuses a parameter; the others answer ValidationError, as query services do.
_REFUSALS = {
    "eks": "InvalidParameterException",
    "xray": "InvalidRequestException",
    "logs": "InvalidParameterException",
    "ecr": "InvalidParameterException",
}
_UNKNOWN = "ValidationError"
_BITS = {"integer": 32, "long": 64}
# The classes of characters that Java's regular expressions know, as what stands between Python's brackets.
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}


def check(service: str, parameters: dict[str, Any], shape: Shape | None) -> None:
    """Raises ServiceError when the parameters break the model: SerializationException for a wrong type,
    the service's own code for a missing member or a broken length, range, pattern or enumeration."""
    if shape is None:
        return
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        message = report.generate_report().replace("\n", "; ")
        raise ServiceError("SerializationException" if "Invalid type" in message else refusal(service), message)
    broken = list(_broken(parameters, shape, ""))
    if broken:
        plural = "s" if len(broken) > 1 else ""
        message = f"{len(broken)} validation error{plural} detected: {'; '.join(broken)}"
        raise ServiceError(refusal(service), message)


def refusal(service: str) -> str:
    """The error code by which a service refuses a parameter."""
    return _REFUSALS.get(service, _UNKNOWN)


def _broken(value: Any, shape: Shape, path: str) -> Iterator[str]:
    for rule in _own_constraints(value, shape):
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: {rule}"
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from _broken(member, shape.members[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for index, item in enumerate(value, start=1):
            yield from _broken(item, shape.member, f"{path}.{index}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _broken(key, shape.key, f"{path}.key")
            yield from _broken(item, shape.value, f"{path}.{key}")


def _own_constraints(value: Any, shape: Shape) -> Iterator[str]:
    """The rules which botocore's validator leaves to AWS."""
    metadata = shape.metadata
    if "max" in metadata and _size(value, shape) > metadata["max"]:
        noun = "value" if shape.type_name in _NUMBERS else "length"
        yield f"Member must have {noun} less than or equal to {metadata['max']}"
    if (bits := _BITS.get(shape.type_name)) and not -(1 << bits - 1) <= value < 1 << bits - 1:
        yield f"Member must be an integer of {bits} bits"
    if shape.type_name != "string":
        return
    if "enum" in metadata and value not in metadata["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(metadata['enum'])}]"
    pattern = _compiled(metadata.get("pattern", ""))
    if pattern and not pattern.fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {metadata['pattern']}"


_NUMBERS = ("integer", "long", "float", "double")


def _size(value: Any, shape: Shape) -> Any:
    if shape.type_name in _NUMBERS:
        return value
    return len(value) if hasattr(value, "__len__") else 0


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for a pattern that only Java's regular expressions know: such a rule is left out."""
    for java, python in _JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None
