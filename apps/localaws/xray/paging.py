"""Time windows and page tokens, checked as X-Ray checks them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from localaws.paging import InvalidTokenError, Pager
from localaws.service import ServiceError
from localaws.xray.store import Position

WINDOW_LIMIT: Final = timedelta(hours=6)
_SIGNATURE_BYTES = 16

Item = TypeVar("Item")


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


def page(
    pager: Pager, items: list[Item], limit: int, operation: str, parameters: dict[str, Any]
) -> tuple[list[Item], dict[str, str]]:
    """The page of a list that a request asks for, and the answer's NextToken, if there is more.

    Raises ServiceError for a token that was not given for this very request.
    """
    scope = f"{operation} {_query(parameters)}"
    try:
        found, token = pager.page(items, limit, parameters.get("NextToken"), scope)
    except InvalidTokenError as error:
        raise invalid_token() from error
    return list(found), {} if token is None else {"NextToken": token}


def invalid_token() -> ServiceError:
    return ServiceError("InvalidRequestException", "NextToken is not valid for this request.")


class Tokens:
    """Gives tokens that hold a position among traces, and takes back only its own, for the same query."""

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
            raise invalid_token()
        return Position(*orjson.loads(body))

    def _signature(self, parameters: dict[str, Any], body: bytes) -> bytes:
        content = _query(parameters).encode("utf-8", "surrogatepass") + b"\0" + body
        return hmac.digest(self._key, content, hashlib.sha256)[:_SIGNATURE_BYTES]


def _query(parameters: dict[str, Any]) -> str:
    """All of a request but its token."""
    return repr(sorted((name, value) for name, value in parameters.items() if name != "NextToken"))
