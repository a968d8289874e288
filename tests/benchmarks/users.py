"""Many users who do not think, in one thread: each asks, waits for the whole answer, and asks again.

It costs some 20 microseconds of CPU a request, so that two tiers can have the machine nearly for themselves; one
generator that can mix requests to several servers in the order of each user, which wrk cannot.
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_PATIENCE_SECONDS: Final = 10.0
_READ_BYTES: Final = 262_144


class Call(NamedTuple):
    """A request: the port of this machine that it goes to, what kind it is, and its bytes."""

    port: int
    kind: str
    message: bytes


@dataclass
class Load:
    """What came of a load."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return sum(map(len, self.latencies_ms.values()))

    def percentile_ms(self, share: float, *kinds: str) -> float:
        """The latency that this share of the requests, of some kinds or all, did not exceed."""
        ordered = sorted(latency for kind in kinds or self.latencies_ms for latency in self.latencies_ms[kind])
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _User:
    """One user: a connection to each port it has called, and the answer it waits for."""

    __slots__ = ("_answer", "_began", "_calls", "_connections", "_expected", "_poll", "call", "descriptor")

    def __init__(self, calls: Iterator[Call], poll: select.epoll) -> None:
        self._calls = calls
        self._poll = poll
        self._connections: dict[int, socket.socket] = {}
        self._answer = b""
        self._expected = 0
        self._began = 0.0
        self.descriptor = -1

    def ask(self) -> None:
        """Sends the next request."""
        self.call = next(self._calls)
        connection = self._connections.get(self.call.port) or self._connect(self.call.port)
        self._answer, self._expected = b"", 0
        self.descriptor = connection.fileno()
        self._began = time.perf_counter()
        connection.send(self.call.message)

    def read(self) -> int:
        """Takes in what has come; the status once the answer is whole, before that 0. Raises OSError."""
        chunk = self._connections[self.call.port].recv(_READ_BYTES)
        if not chunk:
            raise ConnectionResetError("closed before the answer was whole")
        self._answer = self._answer + chunk if self._answer else chunk
        if not self._expected:
            self._expected = _answer_bytes(self._answer)
        return int(self._answer[9:12]) if 0 < self._expected <= len(self._answer) else 0

    def waited_ms(self) -> float:
        """Since the request was sent."""
        return (time.perf_counter() - self._began) * 1000

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def reconnect(self) -> None:
        """Leaves a connection that failed."""
        self._connections.pop(self.call.port).close()

    def _connect(self, port: int) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(connection, select.EPOLLIN)
        self._connections[port] = connection
        return connection


def _answer_bytes(answer: bytes) -> int:
    """How long an answer is with its head, by its Content-Length; 0 while the head is not whole."""
    head, end, _unused = answer.partition(b"\r\n\r\n")
    if not end:
        return 0
    _unused, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if not found:
        raise ConnectionError("an answer without Content-Length")
    return len(head) + len(end) + int(rest.partition(b"\r\n")[0])


def load(scripts: Sequence[Iterator[Call]], seconds: float) -> Load:
    """Lets a user go through each of the endless scripts for this long; requests that have begun are answered."""
    result = Load()
    with select.epoll() as poll:
        users = [_User(script, poll) for script in scripts]
        began, cpu = time.perf_counter(), time.process_time()
        _run(users, poll, began + seconds, result)
        result.seconds, result.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
        for user in users:
            user.close()
    return result


def _run(users: Sequence[_User], poll: select.epoll, ends_at: float, result: Load) -> None:
    waiting: dict[int, _User] = {}
    for user in users:
        _ask(user, waiting, result)
    while waiting and time.perf_counter() < ends_at + _PATIENCE_SECONDS:
        for descriptor, _event in poll.poll(1.0):
            if descriptor not in waiting:  # a server closed a connection that nobody waits on
                poll.unregister(descriptor)
            elif _answered(waiting[descriptor], result):
                user = waiting.pop(descriptor)
                if time.perf_counter() < ends_at:
                    _ask(user, waiting, result)
    result.errors.update(f"{user.call.kind}: no answer" for user in waiting.values())


def _ask(user: _User, waiting: dict[int, _User], result: Load) -> None:
    """Lets a user ask; one that cannot reach a server asks no more."""
    try:
        user.ask()
    except OSError as error:
        result.errors[f"{user.call.kind}: {error}"] += 1
    else:
        waiting[user.descriptor] = user


def _answered(user: _User, result: Load) -> bool:
    """Whether the answer is whole, or there will be none; notes it."""
    try:
        status = user.read()
    except OSError as error:
        result.errors[f"{user.call.kind}: {error}"] += 1
        user.reconnect()
        return True
    if status:
        result.latencies_ms[user.call.kind].append(user.waited_ms())
        if status >= 400:
            result.errors[f"{user.call.kind}: {status}"] += 1
    return bool(status)
