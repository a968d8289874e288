"""Answers cached public GETs before Flask: a WSGI wrapper which looks them up by path and query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

from serving.measured import ROUTE, Application, Environ, Headers, StartResponse

from backend.counters import CacheCounters
from backend.errors import ApiError, answer_error
from backend.hotcache import HotCache, Keeping, Line, Ready
from backend.limits import RateLimits

# A view leaves here what the answer it gives to everyone may be kept by, and until when.
KEEPING = "backend.keeping"
_HOSTS = 1000

_line: Callable[[Environ], Line] = itemgetter("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING")


class HotPath:
    """A WSGI application whose public answers are given again without it.

    What it answers is what the application has answered to the same path and query. The public routes read no header
    but those of the limits, which are counted here as there. Two more make a difference to the routing: `Upgrade`, and
    `Host`, of which some are refused (two dots in a row, as no name can have them); those that were not are remembered.
    """

    def __init__(self, application: Application, hot: HotCache, limits: RateLimits, counters: CacheCounters) -> None:
        self.application = application
        self._hot = hot
        self._get = hot.get
        self._limits = limits
        self._let_pass = limits.let_pass
        self._count_hit = counters.hits.append
        self._hosts: set[str | None] = set()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            line = _line(environ)
        except KeyError:  # WSGI lets a server leave out what is empty; granian does not
            return self.application(environ, start_response)
        ready = self._get(line)
        if ready is None or environ.get("HTTP_HOST") not in self._hosts or "HTTP_UPGRADE" in environ:
            return self._routed(line, environ, start_response)
        ready.used = True
        environ[ROUTE] = ready.route
        if not self._let_pass(environ):
            try:
                self._limits.check_general(environ)
            except ApiError as error:
                return answer_error(error)(environ, start_response)
        self._count_hit(None)
        start_response(ready.status, ready.headers[:])
        return ready

    def _routed(self, line: Line, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answered: tuple[str, Headers] = "", []

        def begin(status: str, headers: Headers, *exc_info: Any) -> Any:
            nonlocal answered
            answered = status, headers[:]
            return start_response(status, headers, *exc_info)

        body = self.application(environ, begin)
        keeping: Keeping | None = environ.get(KEEPING)
        if keeping is not None and line[0] == "GET" and isinstance(body, list):
            promise, until = keeping
            self._hot.keep(promise, line, Ready(*answered, b"".join(body), environ[ROUTE], until))
            if len(self._hosts) >= _HOSTS:
                self._hosts.clear()
            self._hosts.add(environ.get("HTTP_HOST"))
        return body
