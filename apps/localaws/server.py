"""The HTTP server: one process, a thread for each connection, stopped by SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from types import FrameType
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_LOG = logging.getLogger(__name__)


class _QuietHandler(WSGIRequestHandler):
    """Writes no access log: one line a request is too much for a load test."""

    # Seconds until a connection that sends nothing is given up.
    timeout = 60

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:
        self.close_connection = True

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


def serve(listener: socket.socket, application: WSGIApplication) -> None:
    """Serves until SIGTERM or SIGINT, which cut off what is under way."""
    host, port = listener.getsockname()[:2]
    server = make_server(host, port, application, threaded=True, request_handler=_QuietHandler, fd=listener.detach())
    _stop_on_signals(server)
    _LOG.info("ready at http://%s:%s", host, port)
    server.serve_forever(poll_interval=0.1)


def _stop_on_signals(server: BaseWSGIServer) -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        # shutdown() waits for the loop which this very handler interrupted.
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
