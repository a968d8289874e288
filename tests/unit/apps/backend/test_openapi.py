"""The OpenAPI document and the page to browse it: every route is in it, and what it says is true."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from backend.errors import CODES
from backend.openapi import contracts, path_of
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

ROOT = Path(__file__).resolve().parents[4]
README = ROOT / "apps" / "backend" / "README.md"


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/openapi.json").get_json()
    return found


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_is_documented_and_nothing_else(open_app: Callable[..., Flask], document: dict[str, Any]) -> None:
    app = open_app()
    missing = contracts(app)[1]
    assert missing == [], "declare these by @contract (apps/backend/README.md, Documenting a route)"
    routes = {
        (method, path_of(rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, path) for method, path, _unused in _operations(document)} == routes


def test_operations_are_told_apart(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _unused, _unused, operation in _operations(document)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    assert {tag for _unused, _unused, operation in _operations(document) for tag in operation["tags"]} == tags


def _examples(document: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Where an example stands, its schema and the example."""
    found = []
    replies = {f"response {name}": reply for name, reply in document["components"]["responses"].items()}
    for method, path, operation in _operations(document):
        place = f"{method} {path}"
        found += [
            (f"{place} {item['name']}", item["schema"], item["example"]) for item in operation.get("parameters", [])
        ]
        replies[f"{place} body"] = operation.get("requestBody", {"content": {}})
        replies |= {f"{place} {status}": reply for status, reply in operation["responses"].items()}
    for place, reply in replies.items():
        for content in reply.get("content", {}).values():
            found += [(place, content["schema"], content["example"])] if "example" in content else []
    return found


def test_examples_are_what_the_schemas_say(document: dict[str, Any]) -> None:
    wrong: dict[str, Any] = {}
    for place, schema, example in _examples(document):
        validator = Draft202012Validator({**schema, "components": document["components"]})
        wrong |= {f"{place}: {problem.message}": example for problem in validator.iter_errors(example)}
    assert wrong == {}


def test_routes_that_ask_who_it_is_refuse_strangers(client: FlaskClient, document: dict[str, Any]) -> None:
    def status(method: str, path: str) -> int:
        return client.open(re.sub("{.*?}", "1", path), method=method, json={}).status_code

    refusing = {(method, path) for method, path, _unused in _operations(document) if status(method, path) == 401}
    asking = {(method, path) for method, path, operation in _operations(document) if "security" in operation}
    assert refusing == asking


def test_readme_lists_the_codes_of_errors() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", README.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted((str(status), code) for code, (status, _unused) in CODES.items())


def test_codes_of_the_source_are_those_of_the_table() -> None:
    raised = re.compile(r'ApiError\(\s*(\d{3}),\s*"(\w+)"')
    found = {pair for file in (ROOT / "apps" / "backend").rglob("*.py") for pair in raised.findall(file.read_text())}
    assert found
    assert found - {(str(status), code) for code, (status, _unused) in CODES.items()} == set()


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.targets: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "id" and value:
                self.names.append(value)
            if name == "href" and value and value.startswith("#"):
                self.targets.add(value[1:])


def test_page_shows_every_route_and_schema(client: FlaskClient, document: dict[str, Any]) -> None:
    answer = client.get("/api/docs")
    page = _Anchors()
    page.feed(answer.text)
    names = {operation["operationId"] for _unused, _unused, operation in _operations(document)}
    names |= {f"schema-{name}" for name in document["components"]["schemas"]}
    assert names <= set(page.names)
    assert len(page.names) == len(set(page.names))
    assert page.targets <= set(page.names)


def test_page_runs_and_loads_nothing(client: FlaskClient) -> None:
    answer = client.get("/api/docs")
    page = _Anchors()
    page.feed(answer.text)
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "form"})
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"].startswith("'sha256-")
    assert " " not in policy["style-src"]
