"""Requests with a body: it is read whole before the application is called, within a length and a time."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

from werkzeug.exceptions import BadRequest, HTTPException, RequestTimeout, ServiceUnavailable

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
Answer = Callable[[Any, Environ], None]

_RETRY_SECONDS = 1
# What is overdue is looked for this often, so that a request that is not costs nothing.
_LOOKS_PER_DEADLINE = 20
_REFUSING_THREADS = 2


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a client is granted for a body: so many bytes, and so long for all of it.

    At most `waiting` threads of a process wait for bodies at the same time. Where one more would, who has waited for
    `patience_seconds` makes room: a body that takes longer than that is a slow one.
    """

    highest_bytes: int = 65_536
    seconds: float = 10.0
    waiting: int = 6
    patience_seconds: float = 1.0

    @classmethod
    def beside(cls, highest_bytes: int, seconds: float, threads: int) -> BodyLimits:
        """Limits that leave requests without a body a quarter of a process' threads, and two of eight."""
        return cls(highest_bytes, seconds, max(1, 3 * threads // 4))


class Refused(io.RawIOBase):
    """A body that cannot be read: who tries is told why, by an exception that is an answer."""

    def __init__(self, problem: HTTPException) -> None:
        self._problem = problem

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        raise self._problem


class Bodies:
    """Reads bodies, in the thread of the request, as granian wants it; others end that wait where it takes too long.

    `answer` and `refuse` answer a request; the latter tells that the connection ends, and `hang_up` also ends it where
    the body is being waited for. A request is in `_waiting` until its body is there, its time is over or it makes
    room: who takes it out of there answers it.
    """

    def __init__(self, limits: BodyLimits, answer: Answer, refuse: Answer, hang_up: Answer) -> None:
        self._limits = limits
        self._answer, self._refuse, self._hang_up = answer, refuse, hang_up
        self._refusers = ThreadPoolExecutor(_REFUSING_THREADS, "late body")
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[float, Any, Environ]] = {}
        self._numbers = count()
        threading.Thread(target=self._watch, name="bodies", daemon=True).start()

    def take(self, protocol: Any, environ: Environ) -> None:
        """Reads the request's body and answers it."""
        length = environ.get("CONTENT_LENGTH")
        size = self._limits.highest_bytes + 1 if length is None else int(length)
        if length is not None and size > self._limits.highest_bytes:
            self._refuse(protocol, environ | {"wsgi.input": io.BytesIO()})  # the application sees its length
            return
        number = self._begin(protocol, environ)
        if number is None:
            self._refuse(protocol, environ | {"wsgi.input": Refused(ServiceUnavailable(retry_after=_RETRY_SECONDS))})
            return
        body = environ["wsgi.input"].read(size)
        if self._waiting.pop(number, None) is None:
            return  # it took too long, and that is answered already
        if length is not None and len(body) < size:
            environ["wsgi.input"] = Refused(BadRequest("the body was broken off"))
        else:
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        self._answer(protocol, environ)

    def _begin(self, protocol: Any, environ: Environ) -> int | None:
        """The number under which the request waits; None where there is no room."""
        now = time.monotonic()
        with self._lock:
            if len(self._waiting) >= self._limits.waiting:
                oldest = next(iter(list(self._waiting.items())), None)
                if oldest is not None and now - oldest[1][0] < self._limits.patience_seconds:
                    return None
                if oldest is not None:
                    self._end(oldest[0])
            number = next(self._numbers)
            self._waiting[number] = now, protocol, environ
            return number

    def _end(self, number: int) -> None:
        found = self._waiting.pop(number, None)
        if found is not None:
            _began, protocol, environ = found
            late = environ | {"wsgi.input": Refused(RequestTimeout())}
            self._refusers.submit(_logged, self._hang_up, protocol, late)

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(self._limits.seconds / _LOOKS_PER_DEADLINE):
            overdue = time.monotonic() - self._limits.seconds
            for number, (began, _protocol, _environ) in list(self._waiting.items()):
                if began <= overdue:
                    self._end(number)


def _logged(function: Callable[..., None], *arguments: Any) -> None:
    """Calls a function; what it raises is logged, as nobody asks for the outcome."""
    try:
        function(*arguments)
    except BaseException:
        logger.exception("a request whose body took too long could not be refused")
        raise
