"""Checks documents against run.schema.json: the whole record, or one part by its name under $defs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from report.errors import RunError

SCHEMA_FILE = Path(__file__).with_name("run.schema.json")
_MESSAGE_CHARACTERS = 160


@cache
def _schema() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return document


@cache
def _validator(definition: str | None) -> Draft202012Validator:
    if definition is None:
        return Draft202012Validator(_schema())
    return Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": _schema()["$defs"]})


def check(document: object, where: str, definition: str | None = None) -> None:
    """Raises RunError naming `where` and the place inside it unless the document is of the definition's shape."""
    error = best_match(_validator(definition).iter_errors(document))
    if error is not None:
        message = " ".join(error.message.split())[-_MESSAGE_CHARACTERS:]
        raise RunError(f"{where}: {error.json_path} is not as run.schema.json wants it: {message}")
