"""Errors with one shape: {"success": false, "error": {"code", "message", "fields"?, "trace_id"?}}."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response
from psycopg.errors import UndefinedTable
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from tracing import record_exception
from werkzeug.exceptions import HTTPException

from backend.answers import failure
from backend.security import trace_id

logger = logging.getLogger(__name__)

_RETRY_AFTER_SECONDS = "2"

# Every code that an error can have: the status it comes with, and what it means.
CODES = {
    "validation_failed": (400, "values of the request cannot be used; `fields` names them"),
    "bad_json": (400, "the body is not a JSON object"),
    "bad_request": (400, "the request cannot be read as HTTP, as where its Host is no name"),
    "unauthorized": (401, "there is no token, or it is over, damaged or of a session that was ended"),
    "bad_credentials": (401, "e-mail address or password is wrong"),
    "wrong_password": (403, "the current password is wrong"),
    "forbidden": (403, "this needs an admin"),
    "not_found": (404, "there is no such thing or route, or it is not this user's"),
    "method_not_allowed": (405, "the route has other methods, which `Allow` names"),
    "email_taken": (409, "there is an account with this e-mail address"),
    "not_on_sale": (409, "there is no such product on sale; `fields` says which"),
    "price_changed": (409, "a product costs something else than its `unit_price` says; `fields` says what"),
    "out_of_stock": (409, "less is left than is ordered; `fields` says of what"),
    "wrong_status": (409, "an order of this status cannot become that"),
    "conflict": (409, "the same was asked for at the same time; try again"),
    "request_entity_too_large": (413, "the body is larger than BODY_LIMIT_BYTES"),
    "unsupported_media_type": (415, "the body's Content-Type is not application/json"),
    "idempotency_key_reused": (422, "the Idempotency-Key was used for another checkout"),
    "too_many_requests": (429, "the client is over a limit; `Retry-After` says for how long"),
    "internal_server_error": (500, "a mistake of the shop; the trace tells more"),
    "database_unavailable": (503, "the database cannot be reached now"),
    "redis_unavailable": (503, "Redis, which this needs, cannot be reached now"),
    "not_ready": (503, "`fields` names what does not answer"),
}
# What Werkzeug refuses has a status and no code.
_CODE_OF_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    413: "request_entity_too_large",
    500: "internal_server_error",
}


class ApiError(Exception):
    """What a request is refused with; raised by services, answered by the app."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.headers = headers or {}


def invalid(**fields: str) -> ApiError:
    """400: these fields of the request have values that cannot be used."""
    return ApiError(400, "validation_failed", "the request has invalid values", fields=fields)


def not_found(what: str) -> ApiError:
    """404: no such thing, or not this user's."""
    return ApiError(404, "not_found", f"{what} not found")


def register(app: Flask) -> None:
    """Makes every error of the app, Flask's own ones included, answer with the one shape."""
    app.register_error_handler(ApiError, answer_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DataError, _data_error)
    app.register_error_handler(ProgrammingError, _programming_error)
    for gone in (OperationalError, InterfaceError, PoolTimeoutError):
        app.register_error_handler(gone, _database_gone)


def answer_error(error: ApiError) -> Response:
    """The answer that an error is."""
    return _answer(error.status, error.code, error.message, error.fields, error.headers)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    code = _CODE_OF_STATUS.get(status, "bad_request")
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Location"}}
    return _answer(status, code, HTTPStatus(status).phrase.lower(), None, headers)


def _data_error(error: DataError) -> Response:
    """PostgreSQL refused a value that passed validation, as a number out of its range."""
    logger.warning("a value was refused by the database: %s", error.orig)
    return _answer(400, "validation_failed", "the request has a value that cannot be stored", None, {})


def _programming_error(error: ProgrammingError) -> Response:
    if isinstance(error.orig, UndefinedTable):
        return _database_gone(error)
    raise error


def _database_gone(error: Exception) -> Response:
    record_exception(error)
    logger.warning("the database cannot be used: %s", getattr(error, "orig", None) or error)
    headers = {"Retry-After": _RETRY_AFTER_SECONDS}
    return _answer(503, "database_unavailable", "the database cannot be reached, try again", None, headers)


def _answer(status: int, code: str, message: str, fields: dict[str, str] | None, headers: dict[str, str]) -> Response:
    if status == HTTPStatus.UNAUTHORIZED:
        headers = {"WWW-Authenticate": "Bearer", **headers}  # RFC 9110, 11.6.1
    return failure(status, code, message, fields, trace_id(), headers)
