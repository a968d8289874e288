"""The OpenAPI 3.1 document of the API, made of the app's routes and of the contracts declared at their views."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from backend.errors import CODES
from backend.fields import Field
from backend.requests import header_name
from backend.schemas import Schemas
from backend.shapes import Failure
from backend.views.contract import Contract, contract_of

_JSON = "application/json"
_OF_ITSELF = {"HEAD", "OPTIONS"}  # Flask adds them
_TAGS = {
    "catalog": "Categories, products and search: for anyone, cached",
    "auth": "Accounts and sessions",
    "orders": "Orders: of the user who bears the token, or of everyone for an admin",
    "operations": "For who runs the shop",
    "documents": "This description",
}
ABOUT = (
    'Answers are `{"success": true, "data": …}`. Errors, those of unknown routes and methods included, have one shape: '
    '`{"success": false, "error": {"code", "message", "fields"?, "trace_id"?}}`; `fields` says what is wrong with '
    "which value, and `trace_id` is that of the request's trace. Prices are decimal texts in EUR, times are UTC."
)
# Status, code and meaning of every error.
CODE_ROWS = sorted((status, code, meaning) for code, (status, meaning) in CODES.items())
_TABLE = "\n\n| status | code | meaning |\n|---|---|---|\n" + "".join(
    f"| {status} | `{code}` | {meaning} |\n" for status, code, meaning in CODE_ROWS
)
_RETRY = {"Retry-After": "seconds to wait"}
_ERROR_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 405: {"Allow": "the methods"}, 429: _RETRY, 503: _RETRY}

Document = dict[str, Any]


def document(app: Flask) -> Document:
    """The document of all routes of an app that have a contract."""
    return _Maker().document(contracts(app)[0])


def contracts(app: Flask) -> tuple[list[tuple[Rule, str, Contract]], list[str]]:
    """Rule, method and contract of each route, and the routes ("GET /path") that have none."""
    described, missing = [], []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - _OF_ITSELF):
            declared = contract_of(app.view_functions[rule.endpoint])
            if declared is None:
                missing.append(f"{method} {rule.rule}")
            else:
                described.append((rule, method, declared))
    return described, missing


def path_of(rule: Rule) -> str:
    """A rule's path as OpenAPI writes it."""
    return re.sub("<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)


class _Maker:
    """Makes one document, whose components are gathered on the way."""

    def __init__(self) -> None:
        self._schemas = Schemas()
        self._responses: Document = {}

    def document(self, described: list[tuple[Rule, str, Contract]]) -> Document:
        paths: Document = defaultdict(dict)
        for rule, method, declared in described:
            paths[path_of(rule)][method.lower()] = self._operation(rule, method, declared)
        return {
            "openapi": "3.1.0",
            "info": {"title": "The shop's API", "version": "1", "description": ABOUT + _TABLE},
            "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
            "paths": dict(paths),
            "components": {
                "schemas": dict(sorted(self._schemas.components.items())),
                "responses": dict(sorted(self._responses.items())),
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            },
        }

    def _operation(self, rule: Rule, method: str, declared: Contract) -> Document:
        tag, name = rule.endpoint.split(".")
        single = len((rule.methods or set()) - _OF_ITSELF) == 1
        made: Document = {
            "tags": [tag],
            "operationId": f"{tag}_{name}" if single else f"{tag}_{name}_{method.lower()}",
            "summary": declared.summary,
            "parameters": self._parameters(declared),
            "responses": {str(declared.status): self._success(declared), **self._errors(declared)},
        }
        if declared.access != "anyone":
            made["security"] = [{"bearer": []}]
        if "body" in declared.models:
            schema = self._schemas.of(declared.models["body"])
            made["requestBody"] = {"required": True, "content": self._content(schema)}
        return made

    def _parameters(self, declared: Contract) -> list[Document]:
        return [
            *(self._parameter("path", field.name, field) for field in declared.path),
            *(self._parameter("query", field.name, field) for field in declared.fields("query")),
            *(self._parameter("header", header_name(field), field) for field in declared.fields("headers")),
        ]

    def _parameter(self, place: str, name: str, field: Field) -> Document:
        schema = field.kind.schema(self._schemas.of)
        if not field.required and field.default is not None:
            schema["default"] = field.default
        made = {"name": name, "in": place, "required": field.required, "description": field.description}
        if place == "query" and not field.required:
            made["allowEmptyValue"] = True
        return {**made, "schema": schema, "example": self._schemas.example(schema)}

    def _success(self, declared: Contract) -> Document:
        made: Document = {"description": "success", "content": {declared.media: {"schema": {"type": "string"}}}}
        if declared.wrapped:
            inner = self._schemas.of(type(None) if declared.data is None else declared.data)
            made["content"] = self._content(
                {
                    "type": "object",
                    "properties": {"success": {"const": True}, "data": inner},
                    "required": ["success", "data"],
                    "additionalProperties": False,
                }
            )
        elif declared.media == _JSON:
            made["content"] = self._content(self._schemas.of(declared.bare))
        if declared.headers:
            made["headers"] = _headers(declared.headers, required=False)
        return made

    def _errors(self, declared: Contract) -> Document:
        by_status: dict[int, list[str]] = defaultdict(list)
        for code in declared.codes():
            by_status[CODES[code][0]].append(code)
        return {str(status): self._error(status, codes) for status, codes in sorted(by_status.items())}

    def _error(self, status: int, codes: list[str]) -> Document:
        name = "-or-".join(codes)
        if name not in self._responses:
            self._responses[name] = _error(status, codes, self._schemas.of(Failure))
        return {"$ref": f"#/components/responses/{name}"}

    def _content(self, schema: Document) -> Document:
        return {_JSON: {"schema": schema, "example": self._schemas.example(schema)}}


def _error(status: int, codes: list[str], shape: Document) -> Document:
    narrowed = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    example = {"success": False, "error": {"code": codes[0], "message": CODES[codes[0]][1]}}
    made: Document = {
        "description": "; or ".join(f"`{code}`: {CODES[code][1]}" for code in codes),
        "content": {_JSON: {"schema": {"allOf": [shape, narrowed]}, "example": example}},
    }
    if status in _ERROR_HEADERS:
        made["headers"] = _headers(_ERROR_HEADERS[status], required=True)
    return made


def _headers(headers: Mapping[str, str], *, required: bool) -> Document:
    return {
        name: {"description": text, "required": required, "schema": {"type": "string"}}
        for name, text in headers.items()
    }
