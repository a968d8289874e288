"""Reading of requests: query, headers and JSON bodies become models, or an error that names the wrong fields."""

from __future__ import annotations

from typing import TypeVar

import orjson
from flask import Request

from backend.errors import ApiError, invalid
from backend.fields import Field, Refused, read_json, read_texts

Model = TypeVar("Model")


def read_body(request: Request, model: type[Model]) -> Model:
    """The JSON body as a model. Raises ApiError 400 and 415, and lets Werkzeug's 413 pass."""
    content = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # a body without a length is cut at the limit; reading on says so
    if not request.is_json:
        raise ApiError(415, "unsupported_media_type", "send the body as Content-Type: application/json")
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise ApiError(400, "bad_json", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "bad_json", "the body is not a JSON object")
    try:
        return read_json(model, body)
    except Refused as refusal:
        raise invalid(**refusal.fields or {}) from None


def read_query(request: Request, model: type[Model]) -> Model:
    """The query as a model; of a parameter that is repeated the first counts, and one without a value counts as none.

    Raises ApiError 400.
    """
    given = {name: value for name, value in request.args.items() if value}
    try:
        return read_texts(model, given, lambda field: field.name)
    except Refused as refusal:
        raise invalid(**refusal.fields or {}) from None


def read_headers(request: Request, model: type[Model]) -> Model:
    """The headers that a model names, as a model. Raises ApiError 400."""
    sent = dict(request.headers)
    try:
        return read_texts(model, sent, header_name)
    except Refused as refusal:
        raise invalid(**refusal.fields or {}) from None


def header_name(field: Field) -> str:
    """What a field of headers is called: idempotency_key comes as Idempotency-Key."""
    return field.name.replace("_", "-").title()
