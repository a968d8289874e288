"""What a route takes, gives and refuses: declared once at its view, which is called with what was read by it.

The document of the API (openapi.py) is made of the same declarations.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_type_hints

from flask import Response, request

from backend.errors import not_found
from backend.fields import REQUIRED, Field, Refused, fields_of, kind_of
from backend.requests import read_body, read_headers, read_query
from backend.services.accounts import Identity
from backend.views.common import admin, identity

_ATTRIBUTE = "contract"
_MODELS: dict[str, Callable[..., Any]] = {"query": read_query, "headers": read_headers, "body": read_body}
_HAS_NO_BODY = object()

View = Callable[..., Response]
Access = Literal["anyone", "user", "admin"]


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What `contract` was told of a route, and what its view's parameters say."""

    summary: str
    data: Any = _HAS_NO_BODY
    bare: Any = _HAS_NO_BODY
    media: str = "application/json"
    status: int = 200
    access: Access = "anyone"
    errors: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    limited: bool = True
    stored: bool = True
    models: Mapping[str, Any] = field(default_factory=dict)
    path: tuple[Field, ...] = ()

    @property
    def wrapped(self) -> bool:
        """Whether the answer is {"success": true, "data": …}."""
        return self.data is not _HAS_NO_BODY

    def fields(self, name: str) -> tuple[Field, ...]:
        """The fields of the query, the headers or the body."""
        return fields_of(self.models[name]) if name in self.models else ()

    def codes(self) -> list[str]:
        """Every error that a request can be refused with."""
        found = {
            "bad_request": True,
            "validation_failed": bool(self.models),
            "bad_json": "body" in self.models,
            "unauthorized": self.access != "anyone",
            "forbidden": self.access == "admin",
            "not_found": bool(self.path),
            "request_entity_too_large": "body" in self.models,
            "unsupported_media_type": "body" in self.models,
            "too_many_requests": self.limited,
            "database_unavailable": self.stored,
        }
        return [code for code, possible in found.items() if possible and code not in self.errors] + list(self.errors)


def contract(
    summary: str, *, before: Callable[[], None] | None = None, access: Access = "anyone", **declared: Any
) -> Callable[[View], View]:
    """Declares a route; stands below `@blueprint.get(…)`.

    The view's parameters say what is read of the request: `query`, `headers` and `body` a model of fields
    (`backend.fields`), `who` the Identity, each other one a part of the path, `Annotated[type, kind, "what it is"]`.

    Further arguments are those of Contract: `data`, the shape under `data` of the answer (None for null), or `bare`,
    that of the whole answer, or `media`, its type where it is no JSON; `status`; `errors`, the codes (`errors.CODES`)
    that do not follow from the rest; `headers` of the answer, by name what they say; `limited` and `stored`, whether
    the general limit counts it and whether it needs the database. `before` is called first.
    """

    def decorate(view: View) -> View:
        hints = get_type_hints(view, include_extras=True)
        names = list(inspect.signature(view).parameters)
        models = {name: hints[name] for name in names if name in _MODELS}
        parts = [name for name in names if name not in models and hints[name] is not Identity]
        path = tuple(Field(name, *kind_of(hints[name]), REQUIRED) for name in parts)
        made = Contract(summary=summary, access=access, models=models, path=path, **declared)

        @functools.wraps(view)
        def answer(**values: str) -> Response:
            if before is not None:
                before()
            return view(**dict(_read(made, names, values)))

        setattr(answer, _ATTRIBUTE, made)
        return answer

    return decorate


def contract_of(view: Any) -> Contract | None:
    """What was declared of a view, if anything was."""
    found: Contract | None = getattr(view, _ATTRIBUTE, None)
    return found


def _read(made: Contract, names: list[str], values: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """The view's arguments. Who may not is told so before anything else."""
    if made.access == "admin" or "who" in names:
        who = admin() if made.access == "admin" else identity()
        if "who" in names:
            yield "who", who
    for part in made.path:
        yield part.name, _of_path(part.kind, values[part.name])
    for name, model in made.models.items():
        yield name, _MODELS[name](request, model)


def _of_path(kind: Any, value: str) -> Any:
    try:
        return kind.of_text(value)
    except Refused:
        raise not_found(kind.what) from None
