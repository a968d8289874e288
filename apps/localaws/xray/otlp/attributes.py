"""Attributes of spans and resources, taken by their names in the semantic conventions, old and new."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any


class Attributes:
    """Attributes by name; what is taken is gone, so that the rest can be told as it is."""

    def __init__(self, key_values: Iterable[Any]) -> None:
        """Of OTLP's KeyValue messages."""
        self.rest: dict[str, Any] = {pair.key: _value(pair.value) for pair in key_values}

    def take(self, *names: str) -> Any:
        """The value under the first of these names that is there, None without one; all of them are gone then."""
        found = [self.rest.pop(name) for name in names if name in self.rest]
        return found[0] if found else None

    def text(self, *names: str) -> str | None:
        """The text under the first of these names that has one; nothing is taken."""
        return next((value for name in names if isinstance(value := self.rest.get(name), str) and value), None)


def _value(value: Any) -> Any:
    """An AnyValue as JSON has it."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return {pair.key: _value(pair.value) for pair in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case kind:
            return getattr(value, kind)
