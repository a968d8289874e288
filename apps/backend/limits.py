"""Rate limits by client, counted in Redis; without Redis nobody is refused."""

from __future__ import annotations

import hmac
import ipaddress
import time
from typing import Any

from redis import Redis

from backend.cache import RedisGate
from backend.errors import ApiError
from backend.settings import Limit, Network, Settings

_SECRET = "HTTP_X_LOAD_TEST_SECRET"  # noqa: S105 - a header's name

Environ = dict[str, Any]


class RateLimits:
    """Refuses a client's requests over a limit with 429; the load test's secret lets all pass."""

    def __init__(self, gate: RedisGate, settings: Settings) -> None:
        self._gate = gate
        self._on = settings.rate_limits
        self._general = settings.general_limit
        self._secret = settings.loadtest_secret
        self._proxies = settings.trusted_proxies

    def let_pass(self, environ: Environ) -> bool:
        """Whether a request is not limited at all."""
        if not self._on:
            return True
        try:
            return hmac.compare_digest(environ.get(_SECRET), self._secret)  # type: ignore[type-var]
        except TypeError:  # one of them is None, or what was given is not ASCII
            return False

    def check_general(self, environ: Environ) -> None:
        """Counts a request against the limit of all requests. Raises ApiError."""
        self.check(environ, "general", self._general)

    def check(self, environ: Environ, name: str, limit: Limit) -> None:
        """Counts a request against a limit, unless it is let pass. Raises ApiError."""
        if self.let_pass(environ):
            return
        window, second = divmod(int(time.time()), limit.seconds)
        key = f"limit:{name}:{client_address(environ, self._proxies)}:{window}"
        count = self._gate.call(lambda redis: _count(redis, key, limit.seconds))
        if count is not None and count > limit.requests:
            raise ApiError(
                429,
                "too_many_requests",
                f"at most {limit.requests} requests in {limit.seconds} s",
                headers={"Retry-After": str(limit.seconds - second)},
            )


def client_address(environ: Environ, proxies: tuple[Network, ...]) -> str:
    """The client's address: the last hop of X-Forwarded-For that is no trusted proxy; without proxies the peer's."""
    peer = environ.get("REMOTE_ADDR") or "unknown"
    if not proxies:
        return peer
    hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    for hop in reversed([*hops, peer]):
        try:
            address = ipaddress.ip_address(hop)
        except ValueError:
            return peer
        if not any(address in network for network in proxies):
            return str(address)
    return peer


def _count(redis: Redis, key: str, seconds: int) -> int:
    pipeline = redis.pipeline(transaction=False)
    pipeline.set(key, 0, ex=seconds, nx=True)
    pipeline.incr(key)
    return int(pipeline.execute()[1])
