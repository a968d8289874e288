"""The way to the backend: JSON over one kept http.client connection a thread, each call a remote subsegment."""

from __future__ import annotations

import http.client
import select
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload
from urllib.parse import quote, urlencode, urlsplit
from weakref import WeakSet

import orjson
from serving.circuit import Circuit
from tracing.http import outgoing

from frontend.memory import AnswerMemory

_Value = TypeVar("_Value")
_Other = TypeVar("_Other")
_Third = TypeVar("_Third")
# So many say that the backend is silent, and not one of its answers slow.
_TIMEOUTS_IN_A_ROW = 3
_REMOTE_NAME = "ecommerce-backend"
_MAXIMUM_ANSWER_BYTES = 8 * 1024 * 1024
_SECOND_CALLS = 8
_REPEATABLE = frozenset({"GET", "HEAD"})
_Query = Mapping[str, str | int | None]


class BackendError(Exception):
    """The backend gave no answer one could use; `status` is what the visitor's page says."""

    status = 502


class BackendUnreachable(BackendError):
    """Nothing accepts connections, or the backend says itself that it cannot serve now."""

    status = 503


class BackendTimeout(BackendError):
    """The backend did not answer in time."""

    status = 504


@dataclass
class BackendRefused(Exception):
    """The backend understood and said no (4xx), in the contract's error shape."""

    status: int
    code: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    retry_after: str | None = None


@dataclass(frozen=True)
class _Answer:
    status: int
    retry_after: str | None
    body: bytes


class BackendClient:
    """Asks the backend; safe to share between threads.

    `context_headers` gives what each call carries besides (the visitor's address, for one).
    """

    def __init__(
        self,
        base_url: str,
        connect_timeout_seconds: float,
        read_timeout_seconds: float,
        context_headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        parts = urlsplit(base_url)
        self._base_url, self._prefix = base_url, parts.path.rstrip("/")
        self._host, self._port, self._scheme = parts.hostname or "", parts.port, parts.scheme
        self._connect_timeout_seconds, self._read_timeout_seconds = connect_timeout_seconds, read_timeout_seconds
        self._context_headers = context_headers
        self._kept = threading.local()
        self._circuit = Circuit(_TIMEOUTS_IN_A_ROW, try_seconds=connect_timeout_seconds + read_timeout_seconds)
        self._pool = ThreadPoolExecutor(_SECOND_CALLS, "backend-call")
        self._open, self._open_lock = WeakSet[http.client.HTTPConnection](), threading.Lock()

    def get(
        self,
        path: str,
        parse: Callable[[Any], _Value],
        query: _Query | None = None,
        token: str | None = None,
        memory: AnswerMemory[_Value] | None = None,
    ) -> _Value:
        """What `parse` makes of the answer's data; raises BackendError or BackendRefused.

        With a memory it is what was made of the same answer before, if that is still there: for public answers only.
        """
        answer = self._call("GET", _target(path, query), None, _bearer(token))
        if memory is None or answer.status >= 400:
            return self._data(answer, parse)
        return memory.made_of(answer.body, lambda: self._data(answer, parse))

    def post(
        self,
        path: str,
        parse: Callable[[Any], _Value],
        body: Mapping[str, Any],
        token: str | None = None,
        idempotency_key: str | None = None,
    ) -> _Value:
        """Sends a JSON body. With an idempotency key it may be sent again where the first sending's fate is unknown."""
        headers = {"Content-Type": "application/json"} | _bearer(token)
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        return self._data(self._call("POST", path, orjson.dumps(body), headers), parse)

    def patch(self, path: str, parse: Callable[[Any], _Value], body: Mapping[str, Any], token: str) -> _Value:
        """Sends a change as JSON; raises as `get` does."""
        headers = {"Content-Type": "application/json"} | _bearer(token)
        return self._data(self._call("PATCH", path, orjson.dumps(body), headers), parse)

    def delete(self, path: str, parse: Callable[[Any], _Value], token: str) -> _Value:
        """Takes something away; raises as `get` does."""
        return self._data(self._call("DELETE", path, None, _bearer(token)), parse)

    @overload
    def at_once(self, first: Callable[[], _Value], second: Callable[[], _Other], /) -> tuple[_Value, _Other]: ...

    @overload
    def at_once(
        self, first: Callable[[], _Value], second: Callable[[], _Other], third: Callable[[], _Third], /
    ) -> tuple[_Value, _Other, _Third]: ...

    def at_once(self, first: Callable[[], Any], *others: Callable[[], Any]) -> tuple[Any, ...]:
        """What calls give that are made at the same time; raises what one raised, once all have ended."""
        pending = [self._pool.submit(copy_context().run, other) for other in others]
        try:
            mine = first()
        finally:
            wait(pending)
        return mine, *(other.result() for other in pending)

    def close(self) -> None:
        """Closes the connections of all threads; ends the threads of `at_once`."""
        with self._open_lock:
            for connection in self._open:
                connection.close()
        self._pool.shutdown()

    def _call(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> _Answer:
        headers.update(self._context_headers())
        repeatable = method in _REPEATABLE or "Idempotency-Key" in headers
        if not self._circuit.lets_through():
            raise BackendUnreachable(f"{method} {target}: the backend was silent a moment ago")
        with outgoing(_REMOTE_NAME, method, self._base_url + target) as call:
            headers.update(call)
            try:
                answer = self._exchange(method, self._prefix + target, body, headers, repeatable)
            except TimeoutError as problem:
                self._circuit.failed()
                raise BackendTimeout(f"{method} {target} took too long") from problem
            except OSError as problem:
                raise BackendUnreachable(f"{method} {target}: {problem}") from problem
            except http.client.HTTPException as problem:
                raise BackendError(f"{method} {target}: {problem!r}") from problem
            self._circuit.succeeded()
            call.answered(answer.status, len(answer.body))
            return answer

    def _exchange(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str], repeatable: bool
    ) -> _Answer:
        """One exchange; a kept connection that the backend closed meanwhile is replaced once (RFC 9112, 9.3.1)."""
        connection, kept = self._connection()
        try:
            return self._over(connection, method, target, body, headers)
        except (ConnectionError, http.client.BadStatusLine):
            if not (kept and repeatable):
                raise
            return self._over(self._connect(), method, target, body, headers)

    def _over(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> _Answer:
        whole = False
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read(_MAXIMUM_ANSWER_BYTES + 1)
            whole = response.isclosed()
            if not whole:
                raise http.client.HTTPException("the answer is cut off or too long")
            return _Answer(response.status, response.headers["Retry-After"], content)
        finally:
            if not whole:
                connection.close()

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """This thread's connection, and whether it was kept from an earlier call."""
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is not None and connection.sock is not None and not _closed_by_peer(connection):
            return connection, True
        return self._connect(), False

    def _connect(self) -> http.client.HTTPConnection:
        previous: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if previous is not None:
            previous.close()
        kind = http.client.HTTPSConnection if self._scheme == "https" else http.client.HTTPConnection
        connection = self._kept.connection = kind(self._host, self._port, timeout=self._connect_timeout_seconds)
        with self._open_lock:
            self._open.add(connection)
        connection.connect()
        connection.sock.settimeout(self._read_timeout_seconds)
        return connection

    def _data(self, answer: _Answer, parse: Callable[[Any], _Value]) -> _Value:
        if answer.status >= 500:
            kind = {503: BackendUnreachable, 504: BackendTimeout}.get(answer.status, BackendError)
            raise kind(f"the backend answered {answer.status}")
        try:
            document = orjson.loads(answer.body)
            if answer.status >= 400:
                raise _refusal(answer, document["error"])
            return parse(document["data"])
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise BackendError(f"the backend's answer has another shape than agreed: {problem!r}") from problem


def segment(text: str) -> str:
    """A value as one path segment."""
    return quote(text, safe="")


def _target(path: str, query: _Query | None) -> str:
    known = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(known)}" if known else path


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _closed_by_peer(connection: http.client.HTTPConnection) -> bool:
    """An idle connection on which something can be read was closed (or is broken) on the other side."""
    poller = select.poll()
    poller.register(connection.sock, select.POLLIN)
    return bool(poller.poll(0))


def _refusal(answer: _Answer, error: Any) -> BackendRefused:
    fields = {str(name): _text(message) for name, message in dict(error.get("fields") or {}).items()}
    return BackendRefused(answer.status, str(error["code"]), str(error.get("message", "")), fields, answer.retry_after)


def _text(message: Any) -> str:
    return " ".join(map(str, message)) if isinstance(message, list) else str(message)
