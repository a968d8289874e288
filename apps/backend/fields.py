"""What a request may hold: each kind of value checks what came and tells its JSON Schema, so that they cannot differ.

A query, a body or a set of headers is a frozen dataclass whose fields are `Annotated[type, kind, "what it is"]`.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar, get_type_hints

Schema = dict[str, Any]
SchemaOf = Callable[[Any], Schema]
Model = TypeVar("Model")

REQUIRED: Any = dataclasses.MISSING
_ID_DIGITS = 18
ID_HIGHEST = 10**_ID_DIGITS - 1
# Classes of characters are spelled out, as \s means something else in every engine of regular expressions.
_SPACES = r"\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_UNSEEN = rf"\u0000-\u001f\u007f-\u009f{_SPACES}"
# No NUL, which PostgreSQL does not store, and something to see.
_VISIBLE = rf"[^\u0000]*[^{_UNSEEN}][^\u0000]*"
_EMAIL = rf"[{_SPACES}]*[^@{_UNSEEN}]+@[^@{_UNSEEN}]+[.][^@.{_UNSEEN}]+[{_SPACES}]*"
_SLUG = "[a-z0-9]+(-[a-z0-9]+)*"
_CENTS = "[0-9]{1,7}([.][0-9]{1,2})?"


class Refused(ValueError):
    """A value that cannot be used: what is wrong with it, or with which of its fields."""

    def __init__(self, message: str = "", fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class Kind(ABC):
    """A kind of value."""

    @abstractmethod
    def of_json(self, value: object) -> Any:
        """The value of a JSON body. Raises Refused."""

    def of_text(self, value: str) -> Any:
        """The value of a query, a path or a header. Raises Refused."""
        return self.of_json(value)

    @abstractmethod
    def schema(self, schema_of: SchemaOf) -> Schema:
        """The JSON Schema of what is taken; `schema_of` gives that of a type."""


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A text of so many characters that matches a pattern whole; without the white space around it."""

    highest: int
    lowest: int = 1
    pattern: str = _VISIBLE
    example: str = ""
    must_be: str = ""
    what: str = ""  # of which this is the id in a path, where it is one

    def of_json(self, value: object) -> str:
        if not isinstance(value, str) or not self.lowest <= len(value) <= self.highest or not self._matches(value):
            raise Refused(self.must_be or f"must be a text of {self.lowest} to {self.highest} characters")
        return value.strip()

    def schema(self, schema_of: SchemaOf) -> Schema:
        bounds = {"type": "string", "minLength": self.lowest, "maxLength": self.highest}
        return bounds | {"pattern": f"^{self.pattern}$", "examples": [self.example]}

    def _matches(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value) is not None


def email() -> Text:
    """An e-mail address; RFC 5321 leaves 254 characters for one."""
    return Text(254, pattern=_EMAIL, example="ada@example.com", must_be="must be an e-mail address")


@dataclass(frozen=True, slots=True)
class Password(Kind):
    """A password as it is, white space included; how long it must be is not told to who guesses."""

    lowest: int = 1
    highest: int = 200

    def of_json(self, value: object) -> str:
        if not isinstance(value, str) or not self.lowest <= len(value) <= self.highest:
            bounds = f" of {self.lowest} to {self.highest} characters" if self.lowest > 1 else ""
            raise Refused(f"must be a text{bounds}")
        return value

    def schema(self, schema_of: SchemaOf) -> Schema:
        bounds = {"minLength": self.lowest, "maxLength": self.highest}
        return {"type": "string", "format": "password", **bounds, "examples": ["correct horse battery"]}


@dataclass(frozen=True, slots=True)
class Whole(Kind):
    """A whole number."""

    lowest: int
    highest: int
    example: int = 1

    def of_json(self, value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON knows no difference between 1 and 1.0
        if not isinstance(value, int) or isinstance(value, bool) or not self.lowest <= value <= self.highest:
            raise Refused(f"must be a whole number from {self.lowest} to {self.highest}")
        return value

    def of_text(self, value: str) -> int:
        return self.of_json(int(value) if _is_number(value) else None)

    def schema(self, schema_of: SchemaOf) -> Schema:
        return {"type": "integer", "minimum": self.lowest, "maximum": self.highest, "examples": [self.example]}


@dataclass(frozen=True, slots=True)
class Price(Kind):
    """A price in EUR as a decimal text."""

    example: str = "20.00"

    def of_json(self, value: object) -> Decimal:
        if not isinstance(value, str) or not re.fullmatch(_CENTS, value):
            raise Refused("must be a price from 0 to 9999999.99")
        return Decimal(value).quantize(Decimal("0.01"))

    def schema(self, schema_of: SchemaOf) -> Schema:
        return {"type": "string", "pattern": f"^{_CENTS}$", "examples": [self.example]}


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """true or false."""

    def of_json(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise Refused("must be true or false")
        return value

    def of_text(self, value: str) -> bool:
        return self.of_json({"true": True, "false": False}.get(value))

    def schema(self, schema_of: SchemaOf) -> Schema:
        return {"type": "boolean", "examples": [True]}


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of some texts."""

    values: tuple[str, ...]

    def of_json(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.values:
            raise Refused(f"must be one of {', '.join(self.values)}")
        return value

    def schema(self, schema_of: SchemaOf) -> Schema:
        return {"type": "string", "enum": list(self.values), "examples": [self.values[0]]}


@dataclass(frozen=True, slots=True)
class Id(Kind):
    """The number that a path names a thing by; `what` it is says the 404."""

    what: str

    def of_json(self, value: object) -> int:
        if not isinstance(value, str) or not _is_number(value):
            raise Refused(f"must be {self.what}'s id")
        return int(value)

    def schema(self, schema_of: SchemaOf) -> Schema:
        return {"type": "integer", "minimum": 0, "maximum": ID_HIGHEST, "examples": [1]}


@dataclass(frozen=True, slots=True)
class IdOrSlug(Kind):
    """The number or the slug that a thing is named by; `what` it is says the 404."""

    what: str
    example: str
    highest: int = 120

    def of_json(self, value: object) -> int | str:
        if isinstance(value, str):
            if _is_number(value):
                return int(value)
            if len(value) <= self.highest and re.fullmatch(_SLUG, value):
                return value
        raise Refused(f"must be a {self.what}'s id or slug")

    def schema(self, schema_of: SchemaOf) -> Schema:
        return {"type": "string", "maxLength": self.highest, "pattern": f"^{_SLUG}$", "examples": [self.example]}


@dataclass(frozen=True, slots=True)
class Object(Kind):
    """A JSON object with the fields of a model."""

    model: type

    def of_json(self, value: object) -> Any:
        if not isinstance(value, dict):
            names = ", ".join(field.name for field in fields_of(self.model))
            raise Refused(f"must be an object with {names}")
        return read_json(self.model, value)

    def schema(self, schema_of: SchemaOf) -> Schema:
        return schema_of(self.model)


@dataclass(frozen=True, slots=True)
class Objects(Kind):
    """A list of JSON objects with the fields of a model."""

    model: type
    lowest: int
    highest: int

    def of_json(self, value: object) -> list[Any]:
        if not isinstance(value, list) or not self.lowest <= len(value) <= self.highest:
            raise Refused(f"must be a list of {self.lowest} to {self.highest} objects")
        one = Object(self.model)
        return [one.of_json(item) for item in value]

    def schema(self, schema_of: SchemaOf) -> Schema:
        return {
            "type": "array",
            "minItems": self.lowest,
            "maxItems": self.highest,
            "items": schema_of(self.model),
        }


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model: its attribute, its kind, what it is, and its default where it may be left out."""

    name: str
    kind: Kind
    description: str
    default: Any

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


@functools.cache
def fields_of(model: Hashable) -> tuple[Field, ...]:
    """The fields of a dataclass whose fields are annotated with a kind and a description."""
    shape: Any = model
    hints = get_type_hints(shape, include_extras=True)
    return tuple(Field(field.name, *kind_of(hints[field.name]), field.default) for field in dataclasses.fields(shape))


def kind_of(annotation: Any) -> tuple[Kind, str]:
    """The kind and the description of `Annotated[type, kind, description]`."""
    kind, description = annotation.__metadata__
    return kind, description


def read_json(model: Callable[..., Model], values: Mapping[str, Any]) -> Model:
    """A model out of a JSON object. Raises Refused, which names every field that is wrong."""
    return _read(model, values, lambda field, value: field.kind.of_json(value), lambda field: field.name)


def read_texts(model: Callable[..., Model], values: Mapping[str, str], name_of: Callable[[Field], str]) -> Model:
    """A model out of a query or headers. Raises Refused as `read_json`."""
    return _read(model, values, lambda field, value: field.kind.of_text(value), name_of)


def _read(
    model: Callable[..., Model],
    values: Mapping[str, Any],
    read: Callable[[Field, Any], Any],
    name_of: Callable[[Field], str],
) -> Model:
    found: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields_of(model):
        name = name_of(field)
        try:
            if name in values or field.required:
                found[field.name] = read(field, values.get(name))
        except Refused as refusal:
            wrong.update(refusal.fields or {name: refusal.message})
    if wrong:
        raise Refused(fields=wrong)
    return model(**found)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= _ID_DIGITS
