"""JSON Schemas (draft 2020-12, which OpenAPI 3.1 has) of answers' shapes and requests' models, with examples."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from backend.fields import Schema, fields_of

REFERENCE = "#/components/schemas/"
_LEAVES: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
    Decimal: {"type": "string", "pattern": "^-?[0-9]+[.][0-9]{2}$", "examples": ["45.00"]},
    datetime: {"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.000000Z"]},
    date: {"type": "string", "format": "date", "examples": ["2026-01-31"]},
}
_EXAMPLES: dict[str, Any] = {"string": "text", "boolean": True, "integer": 1, "number": 1.0, "null": None}


class Example:
    """A value that stands for others of its type, in an annotation."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Schemas:
    """Gives the schema of a type; TypedDicts and dataclasses become `components`, by name, and are referred to."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def of(self, kind: Any) -> Schema:
        """The schema of a type: a leaf, a union, Literal, list, dict, TypedDict, dataclass of fields, or Annotated.

        Of Annotated a text is the description.
        """
        if kind in _LEAVES:
            return dict(_LEAVES[kind])
        if is_typeddict(kind):
            return self._component(kind, self._typed_dict)
        if dataclasses.is_dataclass(kind):
            return self._component(kind, self._model)
        return self._of_generic(get_origin(kind), get_args(kind))

    def example(self, schema: Mapping[str, Any], inside: tuple[str, ...] = ()) -> Any:
        """A value that the schema allows, made of the examples in it; a list that holds itself ends empty."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(REFERENCE)
            return None if name in inside else self.example(self.components[name], (*inside, name))
        if "const" in schema:
            return schema["const"]
        if known := schema.get("examples") or schema.get("enum"):
            return known[0]
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0], inside)
        if schema["type"] == "object":
            return {name: self.example(part, inside) for name, part in schema.get("properties", {}).items()}
        if schema["type"] == "array":
            item = self.example(schema["items"], inside)
            return [] if item is None else [item]
        return _EXAMPLES[schema["type"]]

    def _of_generic(self, origin: Any, arguments: tuple[Any, ...]) -> Schema:
        if origin is Annotated:
            return self._annotated(*arguments)
        if origin is NotRequired:
            return self.of(arguments[0])
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(part) for part in arguments]}
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        raise TypeError(f"no JSON Schema is known for {origin}[{arguments}]")

    def _annotated(self, kind: Any, *notes: str | Example) -> Schema:
        schema = self.of(kind)
        for note in notes:
            schema |= {"description": note} if isinstance(note, str) else {"examples": [note.value]}
        return schema

    def _component(self, kind: Any, make: Callable[[Any], Schema]) -> Schema:
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}  # a shape may hold itself
            self.components[name] = {**make(kind), "description": _first_line(kind)}
        return {"$ref": REFERENCE + name}

    def _typed_dict(self, kind: Any) -> Schema:
        hints = get_type_hints(kind, include_extras=True)
        return {
            "type": "object",
            "properties": {name: self.of(hint) for name, hint in hints.items()},
            "required": [name for name, hint in hints.items() if get_origin(hint) is not NotRequired],
            "additionalProperties": False,
        }

    def _model(self, model: Any) -> Schema:
        fields = fields_of(model)
        return {
            "type": "object",
            "properties": {
                field.name: {**field.kind.schema(self.of), "description": field.description} for field in fields
            },
            "required": [field.name for field in fields if field.required],
        }


def _first_line(kind: Any) -> str:
    return re.split(r"\n\s*\n", kind.__doc__ or "")[0].strip()
