"""Time windows and page tokens, checked as X-Ray checks them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from localaws.service import ServiceError
from localaws.xray.store import Position

WINDOW_LIMIT: Final = timedelta(hours=6)
_QUERY_MEMBERS = ("StartTime", "EndTime", "TimeRangeType", "FilterExpression", "Sampling")
_SIGNATURE_BYTES = 16


class Window(NamedTuple):
    """A range of whole seconds, both included: trace ids have whole seconds."""

    first: int
    last: int


def window(parameters: dict[str, Any]) -> Window:
    """StartTime and EndTime of a request. Raises ServiceError when they are swapped or over 6 hours apart."""
    start: datetime = parameters["StartTime"]
    end: datetime = parameters["EndTime"]
    if end < start:
        raise ServiceError("InvalidRequestException", "EndTime must not be before StartTime.")
    if end - start > WINDOW_LIMIT:
        raise ServiceError("InvalidRequestException", "Time range cannot be longer than 6 hours.")
    return Window(math.floor(start.timestamp()), math.floor(end.timestamp()))


class Tokens:
    """Gives tokens that hold a position, and takes back only its own, for the same query."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def give(self, parameters: dict[str, Any], position: Position) -> str:
        """A token for reading on at a position of this query."""
        body = orjson.dumps(tuple(position))
        return base64.urlsafe_b64encode(self._signature(parameters, body) + body).decode()

    def take(self, parameters: dict[str, Any]) -> Position | None:
        """The position of a request's NextToken, None without one. Raises ServiceError for a foreign one."""
        token = parameters.get("NextToken")
        if token is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(token)
        except (binascii.Error, ValueError):
            raw = b""
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(parameters, body)):
            raise ServiceError("InvalidRequestException", "NextToken is not valid for this request.")
        return Position(*orjson.loads(body))

    def _signature(self, parameters: dict[str, Any], body: bytes) -> bytes:
        query = repr([parameters.get(member) for member in _QUERY_MEMBERS]).encode()
        return hmac.new(self._key, query + b"\0" + body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
