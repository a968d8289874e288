"""The WSGI wrapper: opens a segment with a request and closes it when the last byte of the response is out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from tracing.core import Environ, Tracing
from tracing.header import HEADER_NAME, answered
from tracing.requests import Exchange

ExceptionInformation = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None
Write = Callable[[bytes], object]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
RouteOf = Callable[[Environ], str | None]

ROUTE = "tracing.route"
# Bodies that are there as a whole; a tuple, for a union of types would be made anew with every request.
_WHOLE = (list, tuple)


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
        token = tracing.activate(exchange.segment)
        try:
            body = self.application(environ, exchange.start_response)
        except BaseException as error:
            exchange.end(error)
            raise
        finally:
            tracing.deactivate(token)
        if isinstance(body, _WHOLE):
            exchange.end_with(body)
            return body
        exchange.body = body
        return exchange

    def switch_off(self) -> None:
        """Traces no further request."""
        self._tracing = None


class _Exchange:
    """One request and its response, seen from outside the application; for the server it is the response's body.

    One object with few calls, for every request pays for each of them.
    """

    __slots__ = (
        "_body_bytes",
        "_chunks",
        "_environ",
        "_has_ended",
        "_route",
        "_route_of",
        "_start_response",
        "_status",
        "_tracing",
        "_write",
        "body",
        "segment",
    )

    body: Iterable[bytes]
    _chunks: Iterator[bytes]
    _write: Write

    def __init__(self, tracing: Tracing, environ: Environ, start_response: StartResponse, route: RouteOf) -> None:
        self._tracing = tracing
        self._environ = environ
        self._start_response = start_response
        self._route_of = route
        self._route: str | None = None
        self._status = 500  # a server's answer for an application that gives none
        self._body_bytes = 0
        self._has_ended = False
        self.segment = tracing.open(environ)

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: ExceptionInformation = None) -> Any:
        """Notes status and route (frameworks forget it soon after), and adds the trace header."""
        segment = self.segment
        traced = [*headers, (HEADER_NAME, answered(segment.trace_id, segment.sampled))]
        if exc_info is None:
            write = self._start_response(status, traced)
        else:
            write = self._start_response(status, traced, exc_info)  # raises where another status is out already
        try:
            self._status = int(status[:3])
        except (TypeError, ValueError):  # the server has taken it all the same
            self._status = 500
        if segment.sampled or self._status >= 500 or self._tracing.keeps_slow:
            self._route = self._route_of(self._environ)
        if write is None:  # granian, for one, leaves PEP 3333's `write` out
            return None
        self._write = write
        return self.write

    def write(self, content: bytes) -> None:
        """PEP 3333's other way to send a part of the body."""
        self._write(content)
        self.count((content,))

    def __iter__(self) -> Iterator[bytes]:
        """The chunks of the body, whose code runs in the segment's context."""
        token = self._tracing.activate(self.segment)
        try:
            iterator = iter(self.body)
        except BaseException as error:
            self.end(error)
            raise
        finally:
            self._tracing.deactivate(token)
        self._chunks = self._read(iterator)
        return self._chunks

    def __next__(self) -> bytes:
        """For servers that take an application's iterable for an iterator."""
        if not hasattr(self, "_chunks"):
            iter(self)
        return next(self._chunks)

    def _read(self, iterator: Iterator[bytes]) -> Iterator[bytes]:
        while True:
            token = self._tracing.activate(self.segment)
            try:
                chunk = next(iterator)
            except StopIteration:
                self.end()
                return
            except BaseException as error:
                self.end(error)
                raise
            finally:
                self._tracing.deactivate(token)
            if isinstance(chunk, bytes):
                self._body_bytes += len(chunk)
            yield chunk

    def close(self) -> None:
        """Closes the application's body, and ends the exchange where the body was not read to its end."""
        token = self._tracing.activate(self.segment)
        try:
            close = getattr(self.body, "close", None)
            if close is not None:
                close()
        except BaseException as error:
            self.end(error)
            raise
        finally:
            self._tracing.deactivate(token)
        self.end()

    def count(self, chunks: Iterable[bytes]) -> None:
        """Adds up the bytes of the body; it is the server that refuses what is none."""
        for chunk in chunks:
            if isinstance(chunk, bytes):
                self._body_bytes += len(chunk)

    def end_with(self, body: Sequence[bytes]) -> None:
        """Ends the exchange, where the whole body is there; of most that are not sampled there is nothing to tell."""
        segment = self.segment
        if segment.has_document or self._status >= 500 or self._tracing.keeps_slow:
            self.count(body)
            self.end()

    def end(self, error: BaseException | None = None) -> None:
        """Ends the segment, which is sent where it is sampled or kept; `error` is what the application raised."""
        if self._has_ended:
            return
        self._has_ended = True
        segment, tracing = self.segment, self._tracing
        if error is not None:
            segment.record_exception(error)
        if self._status >= 500:
            segment.document["fault"] = True
        if segment.sampled or tracing.keeps(segment):
            told = Exchange(self._environ, self._route, self._status, self._body_bytes, segment.rule)
            tracing.close(segment, told)
