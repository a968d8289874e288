"""Rate limits by client and by account, counted in Redis; without Redis nobody is refused."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass

from redis import Redis
from serving.events import SecurityEvents

from backend.cache import RedisGate
from backend.clients import Environ, client_address
from backend.errors import ApiError
from backend.settings import Limit, Settings

_SECRET = "HTTP_X_LOAD_TEST_SECRET"  # noqa: S105 - a header's name
_REFUSED_SECRET = "backend.secret_refused"  # noqa: S105 - where an environ remembers that this was told


@dataclass(frozen=True, slots=True)
class Counted:
    """Something that was counted, and for how long it is."""

    key: str
    seconds: int


class RateLimits:
    """Refuses requests over a limit with 429; the load test's secret lets all pass."""

    def __init__(self, gate: RedisGate, settings: Settings, events: SecurityEvents) -> None:
        self._gate = gate
        self._events = events
        self._on = settings.rate_limits
        self._general = settings.general_limit
        self._account = settings.account_limit
        self._secret = settings.loadtest_secret
        self._proxies = settings.trusted_proxies

    def let_pass(self, environ: Environ) -> bool:
        """Whether a request is not limited at all."""
        if not self._on:
            return True
        try:
            if hmac.compare_digest(environ.get(_SECRET), self._secret):  # type: ignore[type-var]
                return True
        except TypeError:  # one of them is None, or what was given is not ASCII
            pass
        if _SECRET in environ and _REFUSED_SECRET not in environ:
            environ[_REFUSED_SECRET] = True
            self._events.tell("bypass_refused", environ)
        return False

    def check_general(self, environ: Environ) -> None:
        """Counts a request against the limit of all requests. Raises ApiError."""
        self.check(environ, "general", self._general)

    def check(self, environ: Environ, name: str, limit: Limit) -> None:
        """Counts a request against a limit of its client, unless it is let pass. Raises ApiError."""
        if not self.let_pass(environ):
            self._count(environ, name, client_address(environ, self._proxies), limit)

    def begin_login(self, environ: Environ, email: str) -> Counted | None:
        """Counts an attempt at an account, known or not, from wherever it comes. Raises ApiError.

        It is counted before the password is looked at, or many could be tried at once. Redis is told no address.
        """
        if self.let_pass(environ):
            return None
        return self._count(environ, "account", hashlib.sha256(email.encode()).hexdigest()[:32], self._account)

    def forgive(self, counted: Counted | None) -> None:
        """Takes an attempt back that was none to guess."""
        if counted is not None:
            self._gate.call(lambda redis: _add(redis, counted, -1))

    def _count(self, environ: Environ, name: str, whose: str, limit: Limit) -> Counted:
        window, second = divmod(int(time.time()), limit.seconds)
        counted = Counted(f"limit:{name}:{whose}:{window}", limit.seconds)
        count = self._gate.call(lambda redis: _add(redis, counted, 1))
        if count is None or count <= limit.requests:
            return counted
        if count == limit.requests + 1:  # told once, however long it goes on
            self._events.tell("limit_hit", environ, limit=name)
        raise ApiError(
            429,
            "too_many_requests",
            f"at most {limit.requests} requests in {limit.seconds} s",
            headers={"Retry-After": str(limit.seconds - second)},
        )


def _add(redis: Redis, counted: Counted, number: int) -> int:
    pipeline = redis.pipeline(transaction=False)
    pipeline.set(counted.key, 0, ex=counted.seconds, nx=True)
    pipeline.incrby(counted.key, number)
    return int(pipeline.execute()[1])
