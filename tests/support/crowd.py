"""A crowd of clients who all ask a server of this machine at the same moment."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any, NamedTuple

_PATIENCE_SECONDS = 30


class Wanted(NamedTuple):
    """A request with a JSON body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: object = None


class Got(NamedTuple):
    """What was answered."""

    status: int
    body: bytes

    @property
    def data(self) -> Any:
        """What a successful answer brings."""
        return json.loads(self.body)["data"]

    @property
    def error(self) -> Any:
        """What a refusal brings."""
        return json.loads(self.body)["error"]


def ask(port: int, wanted: Wanted) -> Got:
    """Asks by a connection of its own. Raises OSError or HTTPException where there is no whole answer."""
    return _asked(_connected(port), wanted)


def ask_at_once(port: int, all_wanted: Iterable[Wanted]) -> list[Got]:
    """Asks all of them, each by a connection that was there before; the answers in the same order."""
    requests = list(all_wanted)
    ready = threading.Barrier(len(requests))

    def asked(wanted: Wanted) -> Got:
        connection = _connected(port)
        ready.wait(_PATIENCE_SECONDS)
        return _asked(connection, wanted)

    with ThreadPoolExecutor(len(requests)) as clients:
        return list(clients.map(asked, requests))


def _connected(port: int) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    connection.connect()
    return connection


def _asked(connection: HTTPConnection, wanted: Wanted) -> Got:
    body = None if wanted.body is None else json.dumps(wanted.body)
    try:
        connection.request(wanted.method, wanted.path, body, {"Content-Type": "application/json", **wanted.headers})
        answer = connection.getresponse()
        return Got(answer.status, answer.read())
    finally:
        connection.close()
