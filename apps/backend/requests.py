"""Reading of requests: query parameters and JSON bodies become typed values, or a 400 that names the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from flask import Request

from backend.errors import ApiError, invalid

PAGE_HIGHEST = 10_000
LIMIT_HIGHEST = 100
LIMIT_DEFAULT = 20
_PRICE_HIGHEST = Decimal(10_000_000)
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SLUG_CHARACTERS = 120
_ID_DIGITS = 18


def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises ApiError 400 for anything else, and lets Werkzeug's 413 pass."""
    content = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # a body without a length is cut at the limit; reading on says so
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise ApiError(400, "bad_json", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "bad_json", "the body is not a JSON object")
    return body


def text(values: Mapping[str, Any], name: str, highest: int, lowest: int = 1) -> str:
    """A text of so many characters, without NUL and without white space around it."""
    value = values.get(name)
    if not isinstance(value, str) or "\0" in value or not lowest <= len(value.strip()) <= highest:
        raise invalid(**{name: f"must be a text of {lowest} to {highest} characters"})
    return value.strip()


def whole_number(values: Mapping[str, Any], name: str, lowest: int, highest: int) -> int:
    """A whole number of a JSON body."""
    value = values.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise invalid(**{name: f"must be a whole number from {lowest} to {highest}"})
    return value


def page_and_limit(arguments: Mapping[str, str]) -> tuple[int, int]:
    """Which page, counted from 1, of how many items."""
    page = parameter(arguments, "page", 1, PAGE_HIGHEST)
    return page, parameter(arguments, "limit", LIMIT_DEFAULT, LIMIT_HIGHEST)


def parameter(arguments: Mapping[str, str], name: str, default: int, highest: int) -> int:
    """A whole number of a query, from 1 on; the default where it is not given."""
    value = arguments.get(name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= _ID_DIGITS and 1 <= int(value) <= highest):
        raise invalid(**{name: f"must be a whole number from 1 to {highest}"})
    return int(value)


def price(arguments: Mapping[str, str], name: str) -> Decimal | None:
    """A price of a query, rounded to cents; None where it is not given."""
    value = arguments.get(name)
    if not value:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= _PRICE_HIGHEST:
        raise invalid(**{name: f"must be a price from 0 to {_PRICE_HIGHEST}"})
    return number.quantize(Decimal("0.01"))


def boolean(arguments: Mapping[str, str], name: str) -> bool | None:
    """true or false of a query; None where it is not given."""
    value = arguments.get(name)
    if not value:
        return None
    if value not in {"true", "false"}:
        raise invalid(**{name: "must be true or false"})
    return value == "true"


def id_or_slug(value: str) -> int | str | None:
    """What a path names a thing by; None where nothing can have that name."""
    if value.isascii() and value.isdigit() and len(value) <= _ID_DIGITS:
        return int(value)
    return value if len(value) <= _SLUG_CHARACTERS and _SLUG.fullmatch(value) else None
