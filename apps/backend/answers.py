"""Answers of the API as JSON: {"success": true, "data": …} and the one shape of errors."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson
from flask import Response

_JSON = "application/json"

Headers = list[tuple[str, str]]

# Ready-made, as they end every answer: what it is taken for is not guessed, and it runs and loads nothing. What belongs
# to a user is kept by nobody on the way.
_NOSNIFF = ("X-Content-Type-Options", "nosniff")
_INERT = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
PUBLIC: Headers = [_NOSNIFF, _INERT]
PRIVATE: Headers = [*PUBLIC, ("Cache-Control", "no-store")]


def page_guard(policy: str) -> Headers:
    """What ends a page's answer that may load what its Content-Security-Policy says."""
    return [_NOSNIFF, ("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer")]


class Answer(Response):
    """A response whose complete body goes to the server as a list, which it sends in one piece.

    `guard` are its last headers; nobody on the way may keep an answer of which is not said that it is public.
    """

    guard = PRIVATE

    def get_wsgi_response(self, environ: dict[str, Any]) -> tuple[Iterable[bytes], str, Headers]:
        body, status, headers = super().get_wsgi_response(environ)
        return body, status, [*headers, *self.guard]

    def get_app_iter(self, environ: dict[str, Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "HEAD" or not isinstance(self.response, list):
            return super().get_app_iter(environ)
        return self.response


def success_body(data: Any) -> bytes:
    """The bytes of a successful answer; decimals become strings, times ISO 8601 in UTC."""
    return orjson.dumps({"success": True, "data": data}, default=_plain, option=orjson.OPT_UTC_Z)


def answer(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A response of ready bytes."""
    return Answer(body, status, headers, content_type=_JSON)


def success(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """A successful answer."""
    return answer(success_body(data), status, headers)


def failure(
    status: int,
    code: str,
    message: str,
    fields: dict[str, str] | None = None,
    trace_id: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """An error's answer; `fields` says what is wrong with which value, `trace_id` where to look for more."""
    error = {"code": code, "message": message, "fields": fields, "trace_id": trace_id}
    present = {key: value for key, value in error.items() if value is not None}
    return answer(orjson.dumps({"success": False, "error": present}), status, headers)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value)} has no JSON form here")
