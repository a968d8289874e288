"""The WSGI wrapper around everything else that notes each request once, at its last byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from operator import itemgetter
from time import perf_counter
from typing import Any

from flask import Flask, request
from granian.wsgi import Response

from serving.metrics import HttpMetrics

ROUTE = "tracing.route"
_UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# "HTTP/1.1 200 OK" and CRLF, then an empty line.
_STATUS_BYTES = {int(status): len(status.phrase) + 17 for status in HTTPStatus}
_LINE = ("QUERY_STRING", "REQUEST_METHOD", "PATH_INFO")
_BODY = frozenset({"CONTENT_LENGTH", "CONTENT_TYPE"})

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Key = tuple[str, str, int]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


def note_routes(app: Flask) -> None:
    """Leaves the template of each request's URL rule under `tracing.route` in its environ, as Flask soon forgets it."""
    app.url_value_preprocessor(_note_route)


def _note_route(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if request.url_rule is not None:
        request.environ[ROUTE] = request.url_rule.rule


class Prepared(list[bytes]):
    """The body of a complete response to GET that is given many times; what is counted of it is known beforehand.

    Whoever answers with it has told `status` and `headers`, and left `route`; wrappers around it may append headers.
    """

    __slots__ = ("header_count", "headers", "key", "response_bytes", "route", "status")

    def __init__(self, status: str, headers: Headers, body: bytes, route: str) -> None:
        super().__init__((body,))
        self.status = status
        self.headers = headers
        self.route = route
        self.key: Key = "GET", route, int(status[:3])
        self.header_count = len(headers)
        self.response_bytes = _head_bytes(int(status[:3]), headers) + len(body)


class MeasuredApplication:
    """A WSGI application whose requests are counted, by the route that was left in the environ."""

    def __init__(self, application: Application, metrics: HttpMetrics) -> None:
        self.application = application
        self._metrics = metrics
        self._request_bytes = RequestBytes().count
        self._waiting: dict[Key, list[float]] = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        began = perf_counter()
        request_bytes = self._request_bytes(environ)
        # granian's start_response remembers what it is told.
        told: Any = start_response if start_response.__class__ is Response else _Told(start_response)
        try:
            body = self.application(environ, told)
        except BaseException:
            self._note(_key(environ, 500), perf_counter() - began, request_bytes, 0)
            raise
        if isinstance(body, Prepared):
            response_bytes = body.response_bytes
            for name, value in told.headers[body.header_count :]:
                response_bytes += len(name) + len(value) + 4
            waiting = self._waiting.get(body.key) or self._waiting_of(body.key)
            waiting.extend((perf_counter() - began, request_bytes, response_bytes))
            return body
        if isinstance(body, list):
            self._finish(environ, told, began, request_bytes, sum(map(len, body)))
            return body
        return _MeasuredBody(body, lambda body_bytes: self._finish(environ, told, began, request_bytes, body_bytes))

    def _finish(self, environ: Environ, told: Any, began: float, request_bytes: int, body_bytes: int) -> None:
        response_bytes = _head_bytes(told.status, told.headers) + body_bytes
        self._note(_key(environ, told.status), perf_counter() - began, request_bytes, response_bytes)

    def _note(self, key: Key, seconds: float, request_bytes: int, response_bytes: int) -> None:
        self._waiting_of(key).extend((seconds, request_bytes, response_bytes))

    def _waiting_of(self, key: Key) -> list[float]:
        waiting = self._waiting.get(key)
        if waiting is None:
            method, route, status = key
            waiting = self._waiting[key] = self._metrics.waiting((method, route, str(status)))
        return waiting


def _key(environ: Environ, status: int) -> Key:
    method = environ["REQUEST_METHOD"]
    return method if method in _METHODS else "other", environ.get(ROUTE, _UNMATCHED), status


def _head_bytes(status: int, headers: Headers) -> int:
    return _STATUS_BYTES.get(status, _STATUS_BYTES[200]) + _header_bytes(headers)


def _header_bytes(headers: Headers) -> int:
    """Name, ": ", value and CRLF of each."""
    return sum([len(name) + len(value) + 4 for name, value in headers])


class _Told:
    """A start_response that remembers what it is told, as granian's own does."""

    __slots__ = ("_start_response", "headers", "status")

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
        self.status = 200
        self.headers: Headers = []

    def __call__(self, status: str, headers: Headers, *exc_info: Any) -> Any:
        self.status = int(status[:3])
        self.headers = headers
        return self._start_response(status, headers, *exc_info)


class _MeasuredBody:
    """A response body that tells how many bytes it had when it is closed or at its end."""

    __slots__ = ("_body", "_bytes", "_finish", "_iterator")

    def __init__(self, body: Iterable[bytes], finish: Callable[[int], None]) -> None:
        self._body = body
        self._iterator = iter(body)
        self._finish: Callable[[int], None] | None = finish
        self._bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._iterator)
        except BaseException:
            self._end()
            raise
        self._bytes += len(chunk)
        return chunk

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._end()

    def _end(self) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            finish(self._bytes)


class RequestBytes:
    """How many bytes a request had as HTTP/1.1 writes them: request line, headers and body.

    An environ is large (granian puts the process' environment into each), and the requests of one client bear the same
    headers. So what is to be counted is remembered by the number of variables: where that is the same and none of the
    names is missing, there is no other, as long as all else in an environ is always the same.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Callable[[Environ], tuple[str, ...]], int]] = {}

    def count(self, environ: Environ) -> int:
        """The bytes of one request."""
        known = self._known.get(len(environ))
        if known is None or "CONTENT_LENGTH" in environ or "CONTENT_TYPE" in environ:
            return self._count_anew(environ)
        try:
            values = known[0](environ)
        except KeyError:
            return self._count_anew(environ)
        return known[1] + len("".join(values)) + (values[0] != "")

    def _count_anew(self, environ: Environ) -> int:
        headers = [name for name in environ if name.startswith("HTTP_")]
        names = [name for name in _LINE if name in environ] + headers
        # "GET /path?query HTTP/1.1" and CRLF, name, ": ", value and CRLF of each header, then an empty line.
        fixed = 14 + sum(len(name) - 1 for name in headers)
        if environ.keys() >= set(_LINE) and environ.keys().isdisjoint(_BODY):
            self._known[len(environ)] = itemgetter(*names), fixed
        length = environ.get("CONTENT_LENGTH") or "0"
        body = int(length) if length.isdecimal() else 0
        return fixed + sum(len(environ[name]) for name in names) + bool(environ.get("QUERY_STRING")) + body
