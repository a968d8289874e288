"""Objects as JSON documents and back: what pickle would do, for classes of the stand-in and of moto alone.

Nothing in a document is run: an object is made without its constructor, and only classes whose modules are named here
are looked up.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from importlib import import_module
from math import isfinite
from typing import Any

_PACKAGES = ("localaws.", "moto.")
_PLAIN = (type(None), bool, int, float, str)
_MAPPINGS: dict[str, Any] = {"dict": dict, "OrderedDict": OrderedDict}


class DocumentError(ValueError):
    """The document was not written by this version."""


def _is_exactly(kind: type, value: Any) -> bool:
    """Whether a value is of this very class: an object of a subclass may hold more than its items."""
    return kind in (type(value),)


class Writer:
    """Turns values into a document; an object that comes twice is written once.

    `known` are objects that are there before anything is read, by their names.
    """

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = {id(item): name for name, item in known.items()}
        self._numbers: dict[int, int] = {}
        # An id is good for as long as its object lives.
        self._held: list[Any] = []

    def write(self, value: Any) -> Any:
        """The value as JSON. Raises TypeError for what cannot be kept."""
        match value:
            case float() if not isfinite(value):
                return {"!float": str(value)}
            case None | bool() | int() | float() | str() if type(value) in _PLAIN:
                return value
            case type():
                return {"!class": _name(value)}
            case list() if _is_exactly(list, value):
                return [self.write(item) for item in value]
            case dict():
                return self._mapping(value)
            case datetime():
                return {"!time": value.isoformat()}
            case bytes():
                return {"!bytes": base64.b64encode(value).decode()}
            case set() | frozenset():
                return {"!set": [self.write(item) for item in value]}
            case tuple() if _is_exactly(tuple, value):
                return {"!tuple": [self.write(item) for item in value]}
        return self._object(value)

    def _mapping(self, value: dict[Any, Any]) -> Any:
        # As it is now: another thread may add to it meanwhile.
        items = list(value.items())
        if _is_exactly(dict, value) and all(isinstance(key, str) and not key.startswith("!") for key, _item in items):
            return {key: self.write(item) for key, item in items}
        kind = "OrderedDict" if isinstance(value, OrderedDict) else "dict"
        return {"!map": kind, "items": [[self.write(key), self.write(item)] for key, item in items]}

    def _object(self, value: Any) -> Any:
        if name := self._known.get(id(value)):
            return {"!known": name}
        if id(value) in self._numbers:
            return {"!same": self._numbers[id(value)]}
        name = _name(type(value))
        if isinstance(value, Enum):
            return {"!enum": name, "value": value.value}
        if isinstance(value, tuple):
            return {"!named tuple": name, "items": [self.write(item) for item in value]}
        self._numbers[id(value)] = len(self._held)
        self._held.append(value)
        return {"!object": name, "members": {key: self.write(item) for key, item in _members(value)}}


class Reader:
    """Turns documents of a Writer back into values."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known
        self._made: list[Any] = []

    def read(self, document: Any) -> Any:
        """The value. Raises DocumentError for what no Writer of this version wrote."""
        try:
            return self._value(document)
        except (AttributeError, ImportError, LookupError, TypeError, ValueError) as error:
            raise DocumentError(str(error)) from error

    def _value(self, document: Any) -> Any:
        if isinstance(document, list):
            return [self._value(item) for item in document]
        if not isinstance(document, dict):
            return document
        kind = next(iter(document), "")
        if not kind.startswith("!"):
            return {key: self._value(item) for key, item in document.items()}
        return self._tagged(kind, document)

    def _tagged(self, kind: str, document: dict[str, Any]) -> Any:
        content = document[kind]
        match kind:
            case "!set":
                return {self._value(item) for item in content}
            case "!tuple":
                return tuple(self._value(item) for item in content)
            case "!map":
                pairs = ((self._value(key), self._value(item)) for key, item in document["items"])
                return _MAPPINGS[content](pairs)
            case "!known":
                return self._known[content]
            case "!same":
                return self._made[content]
            case "!enum":
                return _class(content)(document["value"])
            case "!named tuple":
                return _class(content)(*(self._value(item) for item in document["items"]))
            case "!object":
                return self._object(document)
        return _SCALARS[kind](content)

    def _object(self, document: dict[str, Any]) -> Any:
        kind = _class(document["!object"])
        made = object.__new__(kind)
        self._made.append(made)
        for name, item in document["members"].items():
            object.__setattr__(made, name, self._value(item))
        return made


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    yield from ((name, getattr(value, name)) for name in slots if hasattr(value, name))
    yield from getattr(value, "__dict__", {}).items()


def _name(kind: type) -> str:
    if not kind.__module__.startswith(_PACKAGES):
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be kept")
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(name: str) -> Any:
    module, _unused, qualified = name.partition(":")
    if not module.startswith(_PACKAGES):
        raise DocumentError(f"{name} is none of the stand-in's classes")
    found: Any = import_module(module)
    for part in qualified.split("."):
        found = getattr(found, part)
    if not isinstance(found, type):
        raise DocumentError(f"{name} is not a class")
    return found


def kept(holder: Any, *names: str) -> dict[str, Any]:
    """These members of an object, for a Writer."""
    return {name: getattr(holder, name) for name in names}


def restore(holder: Any, members: Mapping[str, Any]) -> None:
    """Gives an object the members that a Reader read."""
    for name, value in members.items():
        setattr(holder, name, value)


_SCALARS: Mapping[str, Callable[[Any], Any]] = {
    "!float": float,
    "!class": _class,
    "!time": datetime.fromisoformat,
    "!bytes": base64.b64decode,
}
