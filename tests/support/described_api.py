"""A test client of the backend that holds every answer against the API's own document."""

from __future__ import annotations

import json
from typing import Any

from backend.openapi import Document, document, path_of
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

_URI = "urn:openapi"
# What a request can be answered with that no route is asked for by.
_OF_NO_ROUTE = {"400", "404", "405"}
_OF_FLASK = {"HEAD", "OPTIONS"}


class DocumentedAnswers:
    """The document of an app, against which answers are held."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._document = document(app)
        self._resource = DRAFT202012.create_resource(self._document)
        self._validators: dict[tuple[str, ...], Validator] = {}

    def check(self, answer: TestResponse) -> None:
        """Raises AssertionError that says what of an answer is not documented."""
        environ = answer.request.environ
        method, status = environ["REQUEST_METHOD"], str(answer.status_code)
        told = f"{method} {answer.request.path} answered {status} {answer.content_type}"
        operation = self._operation(environ)
        if operation is None:
            assert method in _OF_FLASK or status in _OF_NO_ROUTE, f"{told}: there is no such route"
            if answer.get_data():
                self._check_body(("components", "schemas", "Failure"), answer.get_json(), told)
            return
        assert status in operation["responses"], f"{told}: of that status the document says nothing"
        path = (*operation["path"], "responses", status)
        reply = operation["responses"][status]
        if "$ref" in reply:
            path = tuple(reply["$ref"].split("/")[1:])
            reply = self._at(path)
        for name, header in reply.get("headers", {}).items():
            assert name in answer.headers or not header["required"], f"{told}: {name} is missing"
        assert answer.content_type in reply["content"], f"{told}: another type than is documented"
        if answer.content_type == "application/json" and method != "HEAD":
            self._check_body((*path, "content", answer.content_type, "schema"), answer.get_json(), told)

    def _operation(self, environ: dict[str, Any]) -> Document | None:
        """The operation of the document that a request asks for; None where there is none of its path and method."""
        method = environ["REQUEST_METHOD"]
        try:
            rule, _unused = self._app.url_map.bind_to_environ(environ).match(return_rule=True)
        except (HTTPException, RequestRedirect):
            return None
        path = path_of(rule)
        found = self._document["paths"].get(path, {}).get("get" if method == "HEAD" else method.lower())
        return None if found is None else {**found, "path": ("paths", path, method.lower())}

    def _at(self, path: tuple[str, ...]) -> Any:
        found: Any = self._document
        for part in path:
            found = found[part]
        return found

    def _check_body(self, path: tuple[str, ...], body: Any, told: str) -> None:
        validator = self._validators.get(path) or self._validators.setdefault(path, self._validator(path))
        problems = [f"{problem.json_path}: {problem.message}" for problem in validator.iter_errors(body)]
        assert problems == [], f"{told}: {problems} {json.dumps(body)[:2000]}"

    def _validator(self, path: tuple[str, ...]) -> Validator:
        pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
        registry: Registry[Any] = Registry().with_resource(_URI, self._resource)
        return Draft202012Validator(
            {"$ref": f"{_URI}#/{pointer}"},
            registry=registry,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )


class DocumentedClient(FlaskClient):
    """A client each of whose answers is documented, or the test fails."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, **kwargs)
        app: Any = self.application
        if "documented" not in app.extensions:
            app.extensions["documented"] = DocumentedAnswers(app)
        app.extensions["documented"].check(answer)
        return answer
