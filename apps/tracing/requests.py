"""What a segment tells of the request it served and of the response it gave."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from tracing.payloads import encode

_URL_CHARACTERS = 2000
_AGENT_CHARACTERS = 500
_ADDRESS_CHARACTERS = 100
_METHOD_CHARACTERS = 20
_ANNOTATION_CHARACTERS = 500
_PATH_CHARACTERS = 8000
_REMEMBERED = 1024

_Values = tuple[Any, ...]
remembered = lru_cache(_REMEMBERED)


class Exchange:
    """A request and the response to it, as a segment tells them: in its document, or as JSON that is put to its own.

    Most of what is told stands in many requests, so that is made once: what the route was called by, and by whom. The
    WSGI environ itself is not held.
    """

    __slots__ = ("_called", "_caller", "_content_length", "_status")

    def __init__(
        self, environ: dict[str, Any], route: str | None, status: int, content_length: int, rule: str | None = None
    ) -> None:
        get = environ.get
        self._called: _Values = (
            get("REQUEST_METHOD"),
            get("wsgi.url_scheme"),
            get("HTTP_HOST") or get("SERVER_NAME"),
            get("SCRIPT_NAME"),
            get("PATH_INFO"),
            route,
            status,
            rule,
        )
        self._caller: _Values = (get("HTTP_USER_AGENT"), get("HTTP_X_FORWARDED_FOR"), get("REMOTE_ADDR"))
        self._status = status
        self._content_length = content_length

    def tell(self, document: dict[str, Any]) -> None:
        """Writes it into a segment's document."""
        called, caller = _called(*self._called), _caller(*self._caller)
        response = {"status": self._status, "content_length": self._content_length}
        document["http"] = {"request": called.request | caller.request, "response": response}
        if called.rule is not None:
            tell_rule(document, called.rule)
        if self._status >= 400:
            _flag(document, self._status)
        document["annotations"] = document.get("annotations", {}) | called.annotations

    def is_apart_from(self, document: dict[str, Any]) -> bool:
        """Whether nothing that this tells stands in a document yet, so that their JSON can be joined."""
        return self._status < 400 and not ("annotations" in document or "http" in document or "aws" in document)

    def joined(self, encoded: bytes) -> bytes:
        """The JSON of such a document with this in it: half the work of encoding all of it."""
        return b'%b%b%b},"response":{"status":%d,"content_length":%d}}}' % (
            encoded[:-1],
            _called(*self._called).json,
            _caller(*self._caller).json,
            self._status,
            self._content_length,
        )


def tell_rule(document: dict[str, Any], rule: str) -> None:
    """Writes the name of the sampling rule that decided into a segment's document."""
    document.setdefault("aws", {})["xray"] = {"sampling_rule_name": rule}


def tell_response(document: dict[str, Any], status: int, content_length: int | None) -> None:
    """Writes a response to a call into a subsegment's document."""
    response = {"status": status}
    if content_length is not None:
        response["content_length"] = content_length
    document.setdefault("http", {})["response"] = response
    if status >= 400:
        _flag(document, status)


def _flag(document: dict[str, Any], status: int) -> None:
    """Error for 4xx, throttle for 429 as well, fault for 5xx. Source: X-Ray segment documents, "HTTP request data"."""
    if status >= 500:
        document["fault"] = True
        return
    document["error"] = True
    if status == 429:
        document["throttle"] = True


class _Called(NamedTuple):
    """What was called: its members of `http.request`, the annotations, and the beginning of both as JSON."""

    request: dict[str, Any]
    annotations: dict[str, Any]
    rule: str | None
    json: bytes


class _Caller(NamedTuple):
    """Who called: the members of `http.request`, and as JSON what follows others."""

    request: dict[str, Any]
    json: bytes


@remembered
def _called(
    method: Any, scheme: Any, host: Any, script: Any, path: Any, route: Any, status: int, rule: str | None
) -> _Called:
    method = (method or "")[:_METHOD_CHARACTERS]
    path = _as_text(((script or "") + (path or ""))[:_PATH_CHARACTERS])
    request = {"method": method, "url": f"{scheme or 'http'}://{host or ''}{path}"[:_URL_CHARACTERS]}
    annotations = {"http_method": method, "http_url": path[:_ANNOTATION_CHARACTERS], "http_status": status}
    if isinstance(route, str):
        annotations["http_route"] = route[:_ANNOTATION_CHARACTERS]
    told: dict[str, Any] = {}
    if rule is not None:
        tell_rule(told, rule)
    json = encode(told | {"annotations": annotations, "http": {"request": request}})
    return _Called(request, annotations, rule, b"," + json[1 : -len("}}}")])


@remembered
def _caller(agent: Any, forwarded: Any, address: Any) -> _Caller:
    told: dict[str, Any] = {}
    if agent:
        told["user_agent"] = agent[:_AGENT_CHARACTERS]
    if forwarded:
        told |= {"client_ip": forwarded.partition(",")[0].strip()[:_ADDRESS_CHARACTERS], "x_forwarded_for": True}
    elif address:
        told["client_ip"] = _without_port(address)
    return _Caller(told, b"," + encode(told)[1:-1] if told else b"")


def _as_text(path: str) -> str:
    """The path as text; WSGI (PEP 3333) hands its bytes over as Latin-1."""
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def _without_port(address: str) -> str:
    """The address alone: some servers give REMOTE_ADDR with the port, as 10.0.0.1:5000 or [::1]:5000."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
