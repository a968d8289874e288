"""One request served: everything that a WSGI server would see of an application, as a list to compare."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from fuzz.environs import Environ

Event = tuple[Any, ...]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

HEADER = "X-Amzn-Trace-Id"
LOG = "fuzz.log"


@dataclass(frozen=True)
class Server:
    """How the server treats a body: it may leave after some chunks, and read each in a context of its own."""

    leaves_after: int | None
    has_context_a_chunk: bool


def random_server(chance: Random) -> Server:
    """Most servers read to the end, in one context."""
    leaves_after = chance.randrange(3) if chance.random() < 0.1 else None
    return Server(leaves_after, has_context_a_chunk=chance.random() < 0.05)


def serve(application: Application, environ: Environ, server: Server) -> list[Event]:
    """Serves a request as PEP 3333 asks of a server; returns what happened, in its order."""
    log: list[Event] = []
    environ = {**environ, LOG: log}

    def start_response(status: Any, headers: Any, exc_info: Any = None) -> Callable[[bytes], None]:
        log.append(("started", status, list(headers), described(exc_info[1]) if exc_info else None))
        if exc_info and any(event[0] in ("sent", "written") for event in log):
            raise exc_info[1]
        return lambda data: log.append(("written", data))

    try:
        body = application(environ, start_response)
    except BaseException as error:  # noqa: BLE001  whatever it is, it must come through as it was
        log.append(("raised by the call", described(error)))
        return log
    _read(body, server, log)
    return log


def _read(body: Iterable[bytes], server: Server, log: list[Event]) -> None:
    """Reads and closes the body."""
    try:
        _read_chunks(iter(body), server, log)
    except BaseException as error:  # noqa: BLE001  as above
        log.append(("raised by the body", described(error)))
    try:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    except BaseException as error:  # noqa: BLE001  as above
        log.append(("raised by close", described(error)))


def _read_chunks(chunks: Iterator[bytes], server: Server, log: list[Event]) -> None:
    ended: Any = object()
    for position in count():
        if server.has_context_a_chunk:
            chunk = contextvars.copy_context().run(next, chunks, ended)
        else:
            chunk = next(chunks, ended)
        if chunk is ended:
            return
        log.append(("sent", chunk))
        if position == server.leaves_after:
            log.append(("left",))
            return


def described(error: BaseException) -> Event:
    """An exception as its catcher sees it; how deep a recursion was is not the application's to tell."""
    arguments = () if isinstance(error, RecursionError) else tuple(map(repr, error.args))
    cause, context = error.__cause__, error.__context__
    return (type(error), arguments, type(cause), type(context), error.__suppress_context__)


def without_answer_header(log: list[Event]) -> tuple[list[Event], list[str]]:
    """The log without the last header of each answer where that is the trace header, and those headers' values."""
    bare, values = [], []
    for event in log:
        if event[0] == "started" and event[2] and event[2][-1][0] == HEADER:
            values.append(event[2][-1][1])
            event = (event[0], event[1], event[2][:-1], event[3])
        bare.append(event)
    return bare, values
