"""Calls by http.client, and so by urllib, urllib3, requests and botocore, as remote subsegments with the header."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from http.client import HTTPConnection, HTTPResponse
from typing import Any, ParamSpec
from urllib.parse import urlsplit

from tracing.entities import Entity, Subsegment, current
from tracing.header import HEADER_NAME
from tracing.http import REMOTE
from tracing.requests import tell_response

try:
    from urllib3.connection import HTTPSConnection as _Urllib3Https
except ImportError:  # then nobody calls by it
    _Urllib3Https = None  # type: ignore[assignment, misc]

logger = logging.getLogger(__name__)

# What a connection keeps: the call's method and target until its head is complete, then its subsegment.
_CALL = "_tracing_call"
_PART = "_tracing_subsegment"
_HEADER_LINE = f"\r\n{HEADER_NAME}:".lower().encode()
_HTTPS_PORT = 443
_URL_CHARACTERS = 2000
_Parameters = ParamSpec("_Parameters")


_originals: dict[str, Callable[..., Any]] = {}
_names: dict[str, str] = {}
_switch = threading.Event()


def instrument(names: Mapping[str, str] | None = None) -> None:
    """Makes every call by http.client a subsegment, named after its host or after what `names` calls the host.

    `names` has hosts, or host:port, as its keys. A call that already carries the trace header belongs to somebody
    else's subsegment (`outgoing`, aws-xray-sdk's patches): it gets none, and no second header.
    """
    _names.clear()
    _names.update(names or {})
    _switch.set()
    for name, hook in _HOOKS.items():
        if name not in _originals and (owner := _owner(name)) is not None:
            _originals[name] = getattr(owner, name)
            setattr(owner, name, hook)


def uninstrument() -> None:
    """Undoes `instrument`; a method that somebody else has wrapped since keeps its hook, which then does nothing."""
    _switch.clear()
    for name in tuple(_originals):
        if vars(_owner(name))[name] is _HOOKS[name]:
            setattr(_owner(name), name, _originals.pop(name))


def _owner(name: str) -> Any:
    return _Urllib3Https if name == "connect" else HTTPConnection


def _harmless(step: Callable[_Parameters, None]) -> Callable[_Parameters, None]:
    """The step, without the exceptions that it may raise."""

    @wraps(step)
    def attempt(*arguments: _Parameters.args, **options: _Parameters.kwargs) -> None:
        try:
            step(*arguments, **options)
        except Exception:  # what tracing cannot cope with must not break the call that it watches
            logger.debug("an outgoing call could not be traced", exc_info=True)

    return attempt


def _putrequest(connection: HTTPConnection, method: str, url: str, *arguments: Any, **options: Any) -> None:
    _originals["putrequest"](connection, method, url, *arguments, **options)
    if current() is not None and _switch.is_set():
        vars(connection)[_CALL] = method, url


def _endheaders(connection: HTTPConnection, *arguments: Any, **options: Any) -> None:
    call = vars(connection).pop(_CALL, None)
    if call is None:
        _originals["endheaders"](connection, *arguments, **options)
        return
    _begin(connection, *call)
    try:
        _originals["endheaders"](connection, *arguments, **options)
    except BaseException as error:
        _fail(connection, error)
        raise


def _getresponse(connection: HTTPConnection, *arguments: Any, **options: Any) -> HTTPResponse:
    """http.client may close the connection before it returns the answer, which is not yet the call's end."""
    part: Subsegment | None = vars(connection).pop(_PART, None)
    response: HTTPResponse
    if part is None:
        response = _originals["getresponse"](connection, *arguments, **options)
        return response
    try:
        response = _originals["getresponse"](connection, *arguments, **options)
    except BaseException as error:
        _end(part, error)
        raise
    _answered(part, response)
    return response


def _close(connection: HTTPConnection) -> None:
    """A call that is given up before its answer, for an error mostly, ends with its connection."""
    _fail(connection, sys.exception())
    _originals["close"](connection)


def _connect(connection: Any) -> None:
    """urllib3 connects before it begins a call where TLS is spoken, so a host that is gone is never called at all."""
    try:
        _originals["connect"](connection)
    except BaseException as error:
        if _PART not in vars(connection):
            _unreachable(connection, error)
        raise


def _fail(connection: HTTPConnection, error: BaseException | None) -> None:
    part: Subsegment | None = vars(connection).pop(_PART, None)
    if part is not None:
        _end(part, error)


_HOOKS: dict[str, Callable[..., Any]] = {
    "putrequest": _putrequest,
    "endheaders": _endheaders,
    "getresponse": _getresponse,
    "close": _close,
    "connect": _connect,
}


@_harmless
def _begin(connection: Any, method: str, target: str) -> None:
    """Sends the header, unless the call carries one; http.client keeps a head's lines until it is complete."""
    entity, lines = current(), connection._buffer
    if entity is None or _HEADER_LINE in b"\r\n".join(lines).lower():
        return
    if _is_own(entity):
        entity = vars(connection)[_PART] = _part(entity, connection, method, target)
    lines.append(f"{HEADER_NAME}: {entity.header()}".encode())


@_harmless
def _answered(part: Subsegment, response: HTTPResponse) -> None:
    tell_response(part.document, response.status, response.length)
    part.close()


@_harmless
def _end(part: Subsegment, error: BaseException | None) -> None:
    part.close(error)


@_harmless
def _unreachable(connection: HTTPConnection, error: BaseException) -> None:
    entity = current()
    if entity is not None and _switch.is_set() and _is_own(entity):
        _part(entity, connection, None, "/").close(error)


def _is_own(entity: Entity) -> bool:
    """Whether a call made now needs a subsegment: the request is sampled, and the current one is not a call already."""
    return entity.segment.sampled and "namespace" not in entity.document


def _part(entity: Entity, connection: HTTPConnection, method: str | None, target: str) -> Subsegment:
    host, port, url = _place(connection, target)
    part = entity.child(_names.get(f"{host}:{port}") or _names.get(host) or host, REMOTE)
    request = {"url": url} if method is None else {"method": method, "url": url}
    part.document["http"] = {"request": request}
    return part


def _place(connection: Any, target: str) -> tuple[str, int, str]:
    """Host, port and URL without query of a call: a proxy is given the whole URL, or told the host to tunnel to."""
    path = target.partition("?")[0].partition("#")[0][:_URL_CHARACTERS]
    if path.startswith(("http://", "https://")):
        parts = urlsplit(path)
        scheme, host, port, path = parts.scheme, parts.hostname or "", parts.port, parts.path
    else:
        scheme = "https" if connection.default_port == _HTTPS_PORT else "http"
        host = connection._tunnel_host or connection.host
        port = connection._tunnel_port if connection._tunnel_host else connection.port
    default = _HTTPS_PORT if scheme == "https" else 80
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in (None, default) else f"{shown}:{port}"
    return host, port or default, f"{scheme}://{place}{path}"
