"""Names, keys and values made fit for X-Ray, whatever an application gives.

Source: AWS X-Ray developer guide, "Segment documents": which characters names and keys have, how long texts are.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

_NAME_CHARACTERS = 200
_KEY_CHARACTERS = 500
_VALUE_CHARACTERS = 500
_NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\\-@]")
_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9_.]")
_LARGEST_INTEGER = 2**63


def fit_name(name: str) -> str:
    """A name of a segment or subsegment: underscores for characters that X-Ray does not take."""
    return _name(name if name.__class__ is str else text_of(name))


def fit_key(key: str) -> str:
    """A key of an annotation: underscores for what is no letter, digit, underscore or dot."""
    return _key(key if key.__class__ is str else text_of(key))


def fit_value(value: object) -> str | int | float | bool:
    """An annotation's value: texts are cut off, and what is no text, finite number or boolean becomes one."""
    if isinstance(value, str):
        return str.__str__(value)[:_VALUE_CHARACTERS]
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < _LARGEST_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return text_of(value)[:_VALUE_CHARACTERS]


def text_of(value: object) -> str:
    """The value as text of UTF-8, also where its own `__str__` fails."""
    try:
        return str(value).encode(errors="replace").decode()
    except Exception:  # noqa: BLE001 - a value of the application's, whose __str__ may raise anything
        return f"<{type(value).__name__}>"


@lru_cache(1024)
def _name(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name[:_NAME_CHARACTERS]) or "_"


@lru_cache(1024)
def _key(key: str) -> str:
    return _NOT_IN_KEYS.sub("_", key[:_KEY_CHARACTERS]) or "_"
