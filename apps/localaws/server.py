"""The HTTP server: one process, a thread for each connection, stopped by SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_LOG = logging.getLogger(__name__)
# How long the client may go on sending what is not taken.
_LINGER_SECONDS = 2.0


class _Handler(WSGIRequestHandler):
    """Keeps connections open, which werkzeug's own handler does not.

    It may, because the application reads each body to its end or replies with `Connection: close`, and gives each
    reply a length. There is no access log: one line a request is too much for a load test.
    """

    # Seconds until a connection that sends nothing is given up.
    timeout = 60
    # A reply leaves in one piece, and does not wait until the client has acknowledged the one before.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Tells the client at once to go on."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def run_wsgi(self) -> None:
        """Answers one request. A ConnectionError of the application ends the connection without a reply."""
        body = b"".join(self.server.app(self.make_environ(), self._begin))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if self.close_connection:
            self._linger()

    def _begin(self, status: str, headers: list[tuple[str, str]], *_unused: Any) -> Callable[[bytes], object]:
        """WSGI's start_response; a header `Connection: close` also ends the connection."""
        self.send_response(int(status[:3]), status[4:])
        for name, value in headers:
            self.send_header(name, value)
        return self.wfile.write

    def _linger(self) -> None:
        """Waits for the client to end: closing on a body that was not read would take the reply back."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_LINGER_SECONDS)
        with suppress(OSError):
            while self.rfile.read1():
                pass

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def create_server(listener: socket.socket, application: WSGIApplication) -> BaseWSGIServer:
    """A server that takes connections once its `serve_forever` runs; the listener is its own from now on."""
    host, port = listener.getsockname()[:2]
    return make_server(host, port, application, threaded=True, request_handler=_Handler, fd=listener.detach())


def serve(listener: socket.socket, application: WSGIApplication) -> None:
    """Serves until SIGTERM or SIGINT, which cut off what is under way."""
    host, port = listener.getsockname()[:2]
    server = create_server(listener, application)
    _stop_on_signals(server)
    _LOG.info("ready at http://%s:%s", host, port)
    server.serve_forever(poll_interval=0.1)


def _stop_on_signals(server: BaseWSGIServer) -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        # shutdown() waits for the loop which this very handler interrupted.
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
