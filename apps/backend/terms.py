"""Which searches customers make most, in Redis: a bounded number of terms that the catalogue itself holds."""

from __future__ import annotations

import time
from typing import cast

from redis import Redis

from backend.cache import RedisGate

_KEY = "search:terms"
# A full set gives the place of its least term away, as "Efficient Computation of Frequent and Top-k Elements in Data
# Streams" (Metwally et al., 2005) has it: a term that makes up more than one in so many counts is never lost.
_TERMS_HIGHEST = 500
# A count weighs half as much as one that comes so much later; so nothing need be aged. It lasts into the year 2110.
_HALF_LIFE_SECONDS = 30 * 24 * 3600
_WEIGHED_FROM = 1_767_225_600  # 2026-01-01T00:00:00Z

# KEYS: the set. ARGV: term, weight, highest number of terms.
_COUNT = """
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if known or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[3]) then
  return redis.call('ZINCRBY', KEYS[1], ARGV[2], ARGV[1])
end
local least = redis.call('ZPOPMIN', KEYS[1])
return redis.call('ZADD', KEYS[1], least[2] + ARGV[2], ARGV[1])
"""


class SearchTerms:
    """Counts terms over all processes. Without Redis nothing is counted and nothing is known."""

    def __init__(self, gate: RedisGate) -> None:
        self._gate = gate
        self._count = gate.client.register_script(_COUNT)

    def prepare(self) -> None:
        """Lets Redis know the script, so that no request is the first to be told that it does not."""
        self._gate.call(lambda redis: redis.script_load(_COUNT))

    def count(self, term: str) -> None:
        """Counts a search; one round trip."""
        weight: float = 2 ** ((time.time() - _WEIGHED_FROM) / _HALF_LIFE_SECONDS)
        arguments: list[str | float] = [term, weight, _TERMS_HIGHEST]
        self._gate.call(lambda redis: self._count(keys=[_KEY], args=arguments, client=redis))

    def top(self, number: int) -> list[str]:
        """The terms that are searched for most, the first one most."""
        return [term.decode() for term in self._gate.call(lambda redis: _top(redis, number)) or ()]


def _top(redis: Redis, number: int) -> list[bytes]:
    return cast("list[bytes]", redis.zrevrange(_KEY, 0, number - 1))
