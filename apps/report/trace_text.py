"""What a segment or subsegment says of itself, in words: its request, command or statement, and its failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

Document = Mapping[str, Any]


def kind_of(part: Document) -> str:
    """tier (a server's segment), remote (a call to another) or local (work of its own)."""
    if "trace_id" in part and part.get("type") != "subsegment":
        return "tier"
    return "remote" if part.get("namespace") in ("remote", "aws") else "local"


def outcome_of(part: Document) -> str:
    """fault, throttle, error or ok."""
    return next((flag for flag in ("fault", "throttle", "error") if part.get(flag)), "ok")


def status_of(part: Document) -> int | None:
    """The HTTP status, where there is one."""
    status = inside(part, "http", "response").get("status")
    return status if isinstance(status, int) else None


def request_of(part: Document) -> str:
    """Method and route, or the path where no route is known; empty where it is no request."""
    annotations, request = inside(part, "annotations"), inside(part, "http", "request")
    method = annotations.get("http_method") or request.get("method") or ""
    return f"{method} {annotations.get('http_route') or _path(str(request.get('url', '')))}".strip()


def detail_of(part: Document) -> str:
    """A call's statement or command with what it touched, or else its request."""
    return _statement(part) or _command(part) or request_of(part)


def failure_of(part: Document, known: Mapping[str, Document]) -> str:
    """The exception that ended a part, as type and message; `known` holds those told elsewhere, by id."""
    cause = part.get("cause")
    exceptions = [known.get(cause, {})] if isinstance(cause, str) else inside(part, "cause").get("exceptions") or []
    if not exceptions:
        return ""
    return ": ".join(str(exceptions[0][name]) for name in ("type", "message") if exceptions[0].get(name))


def exceptions_of(parts: Sequence[Document]) -> dict[str, Document]:
    """Every exception that the parts describe, by its id."""
    causes = [part["cause"] for part in parts if isinstance(part.get("cause"), Mapping)]
    return {str(exception.get("id")): exception for cause in causes for exception in cause.get("exceptions") or ()}


def _statement(part: Document) -> str:
    """By X-Ray's `sql`, or as X-Ray keeps OpenTelemetry's attributes of a database that is none of SQL."""
    query = inside(part, "sql").get("sanitized_query") or inside(part, "metadata", "default").get("db.query.text")
    if not query:
        return ""
    rows = inside(part, "metadata", "sql").get("rows")
    told = "" if not isinstance(rows, int) or rows < 0 else f" ({_counted(rows, 'row')})"
    return " ".join(str(query).split()) + told


def _command(part: Document) -> str:
    redis = inside(part, "metadata", "redis")
    command = redis.get("command") or inside(part, "metadata", "default").get("db.operation.name")
    if not command:
        return ""
    counts = [
        _counted(redis[name], name.removesuffix("s"))
        for name in ("commands", "keys")
        if isinstance(redis.get(name), int) and redis[name] > 0
    ]
    return " ".join([str(command), *([f"({', '.join(counts)})"] if counts else [])])


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def inside(part: Document, *names: str) -> Document:
    """The object at these names, empty where a tier left it out or put something else there."""
    for name in names:
        found = part.get(name)
        part = found if isinstance(found, Mapping) else {}
    return part


def _path(url: str) -> str:
    return urlsplit(url).path or url
