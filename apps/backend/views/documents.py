"""Routes of the API's own description: the OpenAPI document, and a page to browse it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template

from backend.answers import Answer, answer, page_guard
from backend.openapi import ABOUT, CODE_ROWS, document
from backend.schemas import REFERENCE
from backend.views.common import limit_general
from backend.views.contract import contract

_EXTENSION = "documents"
_HTML = "text/html; charset=utf-8"
_STYLE = Path(__file__).parents[1].joinpath("templates", "api.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

blueprint = Blueprint("documents", __name__, url_prefix="/api", template_folder="../templates")
blueprint.before_request(limit_general)


@blueprint.get("/openapi.json")
@contract("This document", bare=dict[str, Any], stored=False)
def openapi() -> Response:
    return answer(_kept("json", lambda: orjson.dumps(document(current_app))))


@blueprint.get("/docs")
@contract("A page to browse this document", media=_HTML, stored=False)
def docs() -> Response:
    page = Answer(_kept("html", _page), content_type=_HTML)
    page.guard = page_guard(_POLICY)
    return page


def _kept(name: str, make: Callable[[], bytes]) -> bytes:
    """The bytes that are made once for an app, when they are first asked for."""
    kept: dict[str, bytes] = current_app.extensions.setdefault(_EXTENSION, {})
    if name not in kept:
        kept[name] = make()
    return kept[name]


def _page() -> bytes:
    made = document(current_app)
    operations = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in made["paths"].items()
        for method, operation in methods.items()
    ]
    responses = made["components"]["responses"]
    text = render_template(
        "api.html",
        style=_STYLE,
        document=made,
        operations=operations,
        about=ABOUT,
        codes=CODE_ROWS,
        resolve=lambda reply: responses[reply["$ref"].rpartition("/")[2]] if "$ref" in reply else reply,
        name_of=lambda reference: reference.removeprefix(REFERENCE),
        pretty=lambda value: orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(),
    )
    return text.encode()
