"""The public edge: whose word about the client is taken, and what a call to the backend carries of it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, current_app, request
from serving.events import SecurityEvents
from tracing import current

LOADTEST_HEADER = "X-Load-Test-Secret"
SECURITY_EVENTS = "security_events"
_FORWARDED = "HTTP_X_FORWARDED_FOR"
_FORWARDED_PROTOCOL = "HTTP_X_FORWARDED_PROTO"
_Environ = dict[str, Any]
_Wsgi = Callable[[_Environ, Callable[..., Any]], Iterable[bytes]]


def trust_proxies(app: Flask, count: int) -> None:
    """Leaves of X-Forwarded-For only what the outermost of `count` own proxies saw; nothing where there is none.

    Each proxy appends the address it was called from, so the client's is the count-th from the right; whatever stands
    left of it, the client may have made up.
    """
    application = app.wsgi_app

    def at_the_edge(environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        addresses = [part.strip() for part in environ.pop(_FORWARDED, "").split(",")]
        protocol = environ.pop(_FORWARDED_PROTOCOL, "")
        if 0 < count <= len(addresses) and addresses[-count]:
            environ[_FORWARDED] = addresses[-count]
        if count and protocol in ("http", "https"):
            environ["wsgi.url_scheme"] = protocol
        return application(environ, start_response)

    app.wsgi_app = at_the_edge  # type: ignore[method-assign]


def answer_at_once(app: Flask) -> None:
    """Hands every body over whole, so that a request's segment and counters are complete with the call itself."""
    application = app.wsgi_app

    def whole(environ: _Environ, start_response: Callable[..., Any]) -> list[bytes]:
        body = application(environ, start_response)
        try:
            return list(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    app.wsgi_app = whole  # type: ignore[method-assign]


def forwarded_headers(loadtest_secret: str | None) -> Callable[[], dict[str, str]]:
    """What each call to the backend carries of the request it is made for."""

    def headers() -> dict[str, str]:
        carried = {"X-Forwarded-For": client_address(request.environ)}
        given = request.headers.get(LOADTEST_HEADER, "")
        if loadtest_secret and hmac.compare_digest(given.encode("latin-1", "replace"), loadtest_secret.encode()):
            carried[LOADTEST_HEADER] = loadtest_secret
        elif given:
            tell("bypass_refused")
        if request.method == "POST":  # the backend notes with which program a session was begun
            carried["User-Agent"] = request.headers.get("User-Agent", "")
        return carried

    return headers


def tell(event: str) -> None:
    """Logs a security event of the current request."""
    events: SecurityEvents = current_app.extensions[SECURITY_EVENTS]
    events.tell(event, request.environ)


def security_events(service: str) -> SecurityEvents:
    """Events with the address of the client and the id of its trace."""
    return SecurityEvents(service, client_address, trace_id)


def trace_id() -> str | None:
    """The id of the trace of this request, if it is traced."""
    entity = current()
    return None if entity is None else entity.segment.trace_id


def client_address(environ: _Environ) -> str:
    """The client's IP address, behind the trusted proxies; without the port that some servers write beside it."""
    address: str = environ.get(_FORWARDED) or environ.get("REMOTE_ADDR") or "unknown"
    bracketed, closing, _unused = address.partition("]")
    if closing:
        return bracketed.removeprefix("[")
    host, _unused, _unused = address.rpartition(":")
    return host if address.count(":") == 1 else address
