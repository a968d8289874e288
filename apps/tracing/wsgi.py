"""The WSGI wrapper: opens a segment with a request and closes it when the last byte of the response is out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from tracing import header
from tracing.core import Environ, Tracing
from tracing.entities import Segment, activate, deactivate
from tracing.http import note_response

ExceptionInformation = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
RouteOf = Callable[[Environ], str | None]

ROUTE = "tracing.route"
_URL_CHARACTERS = 2000
_AGENT_CHARACTERS = 500
_ADDRESS_CHARACTERS = 100
_METHOD_CHARACTERS = 20


def route_of(environ: Environ) -> str | None:
    """The route's template that an application has left in its environ under `tracing.route`."""
    return environ.get(ROUTE)


class TracedApplication:
    """A WSGI application with a segment around every request to a traced path."""

    def __init__(self, application: Application, tracing: Tracing, route: RouteOf = route_of) -> None:
        self.application = application
        self._tracing = tracing
        self._route = route

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._tracing.is_untraced(environ.get("PATH_INFO", "")):
            return self.application(environ, start_response)
        exchange = _Exchange(self._tracing, environ, start_response, self._route)
        token = activate(exchange.segment)
        try:
            body = self.application(environ, exchange.start_response)
        except BaseException as error:
            exchange.fail(error)
            raise
        finally:
            deactivate(token)
        return exchange.answer(body)


class _Exchange:
    """One request and its response, seen from outside the application."""

    __slots__ = ("_environ", "_length", "_route", "_route_of", "_start_response", "_status", "_tracing", "segment")

    def __init__(self, tracing: Tracing, environ: Environ, start_response: StartResponse, route: RouteOf) -> None:
        self._tracing = tracing
        self._environ = environ
        self._start_response = start_response
        self._route_of = route
        self._route: str | None = None
        self._status: int | None = None
        self._length: int | None = None
        self.segment: Segment = tracing.open(environ)

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: ExceptionInformation = None) -> Any:
        """Notes status, length and route (frameworks forget it soon after), and adds the trace header."""
        self._status = int(status[:3])
        if self.segment.sampled:
            self._route = self._route_of(self._environ)
            self._length = _content_length(headers)
        traced = [*headers, (header.HEADER_NAME, header.answered(self.segment.trace_id, self.segment.sampled))]
        return (
            self._start_response(status, traced) if exc_info is None else self._start_response(status, traced, exc_info)
        )

    def answer(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body for the server: as it is where it is complete, else one whose end closes the segment."""
        if isinstance(body, list):
            self.close(sum(map(len, body)))
            return body
        return _TracedBody(body, self)

    def fail(self, error: BaseException) -> None:
        """Closes the segment of a request whose application raised; the server answers that with 500."""
        if self._status is None:
            self._status = 500
        if self.segment.sampled:
            self.segment.record_exception(error)
        self.close(None)

    def close(self, body_bytes: int | None) -> None:
        """Completes the segment and sends it."""
        if self.segment.sampled:
            self._complete(self.segment, body_bytes)
        self._tracing.close(self.segment)

    def _complete(self, segment: Segment, body_bytes: int | None) -> None:
        environ, status, document = self._environ, self._status or 500, segment.document
        path = _path(environ)
        method = environ.get("REQUEST_METHOD", "")[:_METHOD_CHARACTERS]
        document["http"] = {"request": _request(environ, method, path)}
        note_response(document, status, body_bytes if self._length is None else self._length)
        annotations = document.setdefault("annotations", {})
        annotations.update(http_method=method, http_url=path[:500], http_status=status)
        if self._route is not None:
            annotations["http_route"] = self._route[:500]


class _TracedBody:
    """A response body; its code runs in the segment's context, and its end is the segment's."""

    __slots__ = ("_body", "_bytes", "_exchange", "_iterator")

    def __init__(self, body: Iterable[bytes], exchange: _Exchange) -> None:
        self._body = body
        self._exchange: _Exchange | None = exchange
        self._iterator: Iterator[bytes] | None = None
        self._bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        exchange = self._exchange
        if exchange is None:
            raise StopIteration
        token = activate(exchange.segment)
        try:
            chunk = self._next_chunk()
        except StopIteration:
            self._end(exchange)
            raise
        except BaseException as error:
            self._exchange = None
            exchange.fail(error)
            raise
        finally:
            deactivate(token)
        self._bytes += len(chunk)
        return chunk

    def close(self) -> None:
        """Closes the application's body, and the segment where the body was not read to its end."""
        exchange = self._exchange
        if exchange is None:
            self._close_body()
            return
        token = activate(exchange.segment)
        try:
            self._close_body()
        finally:
            deactivate(token)
            self._end(exchange)

    def _end(self, exchange: _Exchange) -> None:
        self._exchange = None
        exchange.close(self._bytes)

    def _close_body(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()

    def _next_chunk(self) -> bytes:
        if self._iterator is None:
            self._iterator = iter(self._body)
        return next(self._iterator)


def _content_length(headers: list[tuple[str, str]]) -> int | None:
    for name, value in headers:
        if name.lower() == "content-length" and value.isdigit():
            return int(value)
    return None


def _request(environ: Environ, method: str, path: str) -> dict[str, Any]:
    host = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    url = f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}"
    request: dict[str, Any] = {"method": method, "url": url[:_URL_CHARACTERS]}
    agent = environ.get("HTTP_USER_AGENT")
    if agent:
        request["user_agent"] = agent[:_AGENT_CHARACTERS]
    forwarded = environ.get("HTTP_X_FORWARDED_FOR")
    if forwarded:
        request["client_ip"] = forwarded.partition(",")[0].strip()[:_ADDRESS_CHARACTERS]
        request["x_forwarded_for"] = True
    elif "REMOTE_ADDR" in environ:
        request["client_ip"] = _without_port(environ["REMOTE_ADDR"])
    return request


def _path(environ: Environ) -> str:
    """The path as text; WSGI (PEP 3333) hands its bytes over as Latin-1."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def _without_port(address: str) -> str:
    """The address alone: some servers give REMOTE_ADDR with the port, as 10.0.0.1:5000 or [::1]:5000."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
