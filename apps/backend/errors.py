"""Errors with one shape: {"success": false, "error": {"code", "message", "fields"?, "trace_id"?}}."""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response
from psycopg.errors import UndefinedTable
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from tracing import current, record_exception
from werkzeug.exceptions import HTTPException

from backend.answers import failure

logger = logging.getLogger(__name__)

_RETRY_AFTER_SECONDS = "2"


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
    phrase = HTTPStatus(status).phrase
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    return _answer(status, phrase.lower().replace(" ", "_"), phrase.lower(), None, headers)


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
    entity = current()
    trace_id = None if entity is None else entity.segment.trace_id
    return failure(status, code, message, fields, trace_id, headers)
