"""What granian calls for each request: it runs the application, and lets no slow client hold a thread for ever.

granian reads a body when the application does, in the thread that waits for it, and for as long as the client likes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from granian import wsgi

from serving.bodies import Bodies, BodyLimits

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# What is told to it stays there as `status` and `headers`.
_StartResponse: Callable[[], Any] = wsgi.Response
# An answer that breaks off too soon is not sent at all.
_SENT_SECONDS = 0.1
_CLOSE = ("Connection", "close")
# As granian's own, but without the process' environment, which no application needs, and which may hold secrets.
_ENVIRON: Environ = {
    "GATEWAY_INTERFACE": "CGI/1.1",
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "Granian",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multiprocess": False,
    "wsgi.multithread": True,
    "wsgi.run_once": False,
    "wsgi.version": (1, 0),
}


class Gateway:
    """Answers granian's requests with a WSGI application; each answer is handed over whole.

    A body that is too long is told by its length, or is cut after one byte too many where it has none. One that takes
    too long, is broken off, or finds too many others raises Werkzeug's 408, 400 or 503 when the application reads it.
    Make it in the process that serves, as it starts a thread.
    """

    def __init__(self, application: Application, limits: BodyLimits | None = None) -> None:
        self._application = application
        self._bodies = Bodies(limits or BodyLimits(), self._answer, self._refuse, self._hang_up)
        self._closing = False

    def close_connections(self) -> None:
        """From now on each answer tells that it is the last on its connection."""
        self._closing = True

    def __call__(self, protocol: Any, scope: Environ) -> None:
        if "CONTENT_LENGTH" in scope or "HTTP_TRANSFER_ENCODING" in scope:
            self._bodies.take(protocol, _ENVIRON | scope)
        else:
            self._answer(protocol, _ENVIRON | scope)

    def _answer(self, protocol: Any, environ: Environ) -> None:
        told = _StartResponse()
        body = self._application(environ, told)
        whole = b"".join(body) if isinstance(body, list) else _whole(body)
        if self._closing:
            told.headers.append(_CLOSE)
        protocol.response_bytes(told.status, told.headers, whole)

    def _refuse(self, protocol: Any, environ: Environ) -> None:
        told = _StartResponse()
        whole = _whole(self._application(environ, told))
        protocol.response_bytes(told.status, [*told.headers, _CLOSE], whole)

    def _hang_up(self, protocol: Any, environ: Environ) -> None:
        """Answers a client whose body is being waited for, and ends that wait with the connection.

        granian closes such a connection only where an answer breaks off, so one byte is announced that does not come.
        """
        told = _StartResponse()
        whole = _whole(self._application(environ, told))
        headers = [(name, value) for name, value in told.headers if name.lower() != "content-length"]
        length = ("Content-Length", str(len(whole) + 1))
        protocol.response_iter(told.status, [*headers, length, _CLOSE], _Once(whole))


def _whole(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()


class _Once:
    """An iterator of one piece that then waits until it is sent, with the `close` that granian calls."""

    def __init__(self, piece: bytes) -> None:
        self._pieces = [piece]

    def __next__(self) -> bytes:
        if self._pieces:
            return self._pieces.pop()
        time.sleep(_SENT_SECONDS)
        raise StopIteration

    def close(self) -> None:
        """Nothing is left to be closed."""
