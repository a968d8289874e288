"""The WSGI wrapper: opens a segment with a request and closes it when the last byte of the response is out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from tracing import header
from tracing.core import Environ, Tracing
from tracing.entities import activate, deactivate
from tracing.requests import tell_exchange

ExceptionInformation = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
Write = Callable[[bytes], object]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
RouteOf = Callable[[Environ], str | None]

ROUTE = "tracing.route"


def route_of(environ: Environ) -> str | None:
    """The route's template that an application has left in its environ under `tracing.route`."""
    return environ.get(ROUTE)


class TracedApplication:
    """A WSGI application with a segment around every request to a traced path.

    `route` tells the template of a request's route from its environ, when the response starts. After `switch_off` the
    wrapper does nothing any more: it can stay where something else was wrapped around it.
    """

    def __init__(self, application: Application, tracing: Tracing, route: RouteOf = route_of) -> None:
        self.application = application
        self._tracing: Tracing | None = tracing if tracing.enabled else None
        self._route = route

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        tracing = self._tracing
        if tracing is None or tracing.is_untraced(environ.get("PATH_INFO", "")):
            return self.application(environ, start_response)
        exchange = _Exchange(tracing, environ, start_response, self._route)
        token = activate(exchange.segment)
        try:
            body = self.application(environ, exchange.start_response)
        except BaseException as error:
            exchange.fail(error, 0)
            raise
        finally:
            deactivate(token)
        if isinstance(body, list | tuple):
            exchange.close(_size(body))
            return body
        return _TracedBody(body, exchange)

    def switch_off(self) -> None:
        """Traces no further request."""
        self._tracing = None


class _Exchange:
    """One request and its response, seen from outside the application."""

    __slots__ = (
        "_environ",
        "_route",
        "_route_of",
        "_start_response",
        "_status",
        "_tracing",
        "_write",
        "_written_bytes",
        "segment",
    )

    def __init__(self, tracing: Tracing, environ: Environ, start_response: StartResponse, route: RouteOf) -> None:
        self._tracing = tracing
        self._environ = environ
        self._start_response = start_response
        self._route_of = route
        self._route: str | None = None
        self._status = ""
        self._written_bytes = 0
        self.segment = tracing.open(environ)

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: ExceptionInformation = None) -> Any:
        """Notes status and route (frameworks forget it soon after), and adds the trace header."""
        segment = self.segment
        traced = [*headers, (header.HEADER_NAME, header.answered(segment.trace_id, segment.sampled))]
        if exc_info is None:
            write = self._start_response(status, traced)
        else:
            write = self._start_response(status, traced, exc_info)  # raises where another status is out already
        self._status = status
        self._route = self._route_of(self._environ)
        if write is None:  # granian, for one, leaves PEP 3333's `write` out
            return None
        self._write: Write = write
        return self.write

    def write(self, content: bytes) -> None:
        """PEP 3333's other way to send a part of the body."""
        self._write(content)
        self._written_bytes += _size((content,))

    def fail(self, error: BaseException, body_bytes: int) -> None:
        """Closes the segment of a request whose application raised."""
        self.segment.record_exception(error)
        self.close(body_bytes)

    def close(self, body_bytes: int) -> None:
        """Completes the segment and sends it, where it is sampled or kept."""
        segment = self.segment
        status = _status_code(self._status)
        if status >= 500:
            segment.document["fault"] = True
        if self._tracing.keeps(segment):
            tell_exchange(segment.document, self._environ, self._route, status, body_bytes + self._written_bytes)
            self._tracing.close(segment)


class _TracedBody:
    """A response body; its code runs in the segment's context, and its end is the segment's."""

    __slots__ = ("_body", "_bytes", "_exchange", "_next", "_segment")

    def __init__(self, body: Iterable[bytes], exchange: _Exchange) -> None:
        self._body = body
        self._exchange: _Exchange | None = exchange
        self._segment = exchange.segment
        self._next: Callable[[], bytes] | None = None
        self._bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        if self._next is None:
            self._next = self._begun()
        return self

    def __next__(self) -> bytes:
        read = self._next = self._next or self._begun()
        token = activate(self._segment)
        try:
            chunk = read()
        except StopIteration:
            self._end()
            raise
        except BaseException as error:
            self._end(error)
            raise
        finally:
            deactivate(token)
        self._bytes += _size((chunk,))
        return chunk

    def _begun(self) -> Callable[[], bytes]:
        """What gives the next chunk of the application's body."""
        token = activate(self._segment)
        try:
            return iter(self._body).__next__
        except BaseException as error:
            self._end(error)
            raise
        finally:
            deactivate(token)

    def close(self) -> None:
        """Closes the application's body, and the segment where the body was not read to its end."""
        token = activate(self._segment)
        error: BaseException | None = None
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        except BaseException as raised:
            error = raised
            raise
        finally:
            deactivate(token)
            self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        if error is None:
            exchange.close(self._bytes)
        else:
            exchange.fail(error, self._bytes)


def _size(chunks: Sequence[bytes]) -> int:
    """The bytes in the chunks; 0 where one is none: it is the server that says so to the application."""
    try:
        return sum(map(len, chunks))
    except TypeError:
        return 0


def _status_code(status: str) -> int:
    """The number of a status line; 500, a server's answer, where the application gave none."""
    try:
        return int(status[:3])
    except (TypeError, ValueError):
        return 500
