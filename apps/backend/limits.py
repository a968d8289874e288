"""Rate limits by client, counted in Redis; without Redis nobody is refused."""

from __future__ import annotations

import hmac
import ipaddress
import time

from flask import Request
from redis import Redis

from backend.cache import RedisGate
from backend.errors import ApiError
from backend.settings import Limit, Network, Settings

SECRET_HEADER = "X-Load-Test-Secret"  # noqa: S105 - a header's name


class RateLimits:
    """Refuses a client's requests over a limit with 429; the load test's secret lets all pass."""

    def __init__(self, gate: RedisGate, settings: Settings) -> None:
        self._gate = gate
        self._on = settings.rate_limits
        self._secret = settings.loadtest_secret
        self._proxies = settings.trusted_proxies

    def check(self, request: Request, name: str, limit: Limit) -> None:
        """Counts a request against a limit. Raises ApiError."""
        if not self._on or self._bears_secret(request):
            return
        window, second = divmod(int(time.time()), limit.seconds)
        key = f"limit:{name}:{client_address(request, self._proxies)}:{window}"
        count = self._gate.call(lambda redis: _count(redis, key, limit.seconds))
        if count is not None and count > limit.requests:
            raise ApiError(
                429,
                "too_many_requests",
                f"at most {limit.requests} requests in {limit.seconds} s",
                headers={"Retry-After": str(limit.seconds - second)},
            )

    def _bears_secret(self, request: Request) -> bool:
        given = request.headers.get(SECRET_HEADER)
        if given is None or self._secret is None:
            return False
        return hmac.compare_digest(given.encode(), self._secret.encode())


def client_address(request: Request, proxies: tuple[Network, ...]) -> str:
    """The client's address: the last hop of X-Forwarded-For that is no trusted proxy; without proxies the peer's."""
    peer = request.remote_addr or "unknown"
    if not proxies:
        return peer
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
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
