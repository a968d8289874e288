"""Asks supervisord, over its socket, which programs run."""

from __future__ import annotations

import socket
import xmlrpc.client
from http.client import HTTPConnection, HTTPException
from typing import Final, cast
from xml.parsers.expat import ExpatError

TIMEOUT_SECONDS: Final = 3.0


class SupervisorUnavailable(Exception):
    """supervisord did not answer; the message says why."""


class _SocketConnection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("supervisor", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(self._path)


class _SocketTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: object) -> HTTPConnection:
        return _SocketConnection(self._path)


def running_programs(socket_path: str) -> dict[str, int]:
    """The process ids of the programs that run, by name. Raises SupervisorUnavailable."""
    with xmlrpc.client.ServerProxy("http://supervisor/RPC2", transport=_SocketTransport(socket_path)) as proxy:
        try:
            answer = proxy.supervisor.getAllProcessInfo()
        except (OSError, HTTPException, xmlrpc.client.Error, ExpatError) as error:
            raise SupervisorUnavailable(f"supervisord at {socket_path} does not answer: {error}") from error
    programs = cast("list[dict[str, object]]", answer)
    return {str(program["name"]): cast("int", program["pid"]) for program in programs if program["pid"]}
