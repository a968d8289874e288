"""Answers of the API as JSON: {"success": true, "data": …} and the one shape of errors."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson
from flask import Response

_JSON = "application/json"


class Answer(Response):
    """A response whose complete body goes to the server as a list, which it sends in one piece."""

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
