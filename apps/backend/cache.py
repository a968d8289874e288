"""Ready response bytes in Redis. A Redis that is gone is a cache that is empty, never an error."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_ANSWER_SECONDS = 0.5
# After a failure Redis is left alone this long, so that a frozen one does not cost every request its time-out.
_LEFT_ALONE_SECONDS = 1.0
_TAG_SECONDS = 3600
PREFIX = "response:"
_TAG_PREFIX = "tag:"

# Lifetimes in seconds, by kind of answer.
CATEGORIES, ME, SEARCH, SUGGEST, POPULAR, PRODUCTS = 300, 300, 120, 300, 600, 60

# KEYS: answer, generation, tags. ARGV: generation that was read before the database was, bytes, lifetime, tag lifetime.
# Nothing is stored when a write came between.
_STORE = """
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
for index = 3, #KEYS do
  redis.call('SADD', KEYS[index], KEYS[1])
  redis.call('EXPIRE', KEYS[index], ARGV[4])
end
return 1
"""

# KEYS: generation, tags.
_DROP = """
redis.call('INCR', KEYS[1])
local dropped = 0
for index = 2, #KEYS do
  for _, key in ipairs(redis.call('SMEMBERS', KEYS[index])) do
    dropped = dropped + redis.call('UNLINK', key)
  end
  redis.call('UNLINK', KEYS[index])
end
return dropped
"""
_GENERATION = "generation:products"


def connect(url: str, connections: int) -> Redis:
    """A client with short time-outs; one retry, for a connection that the server had closed meanwhile."""
    return Redis.from_url(
        url,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
        max_connections=connections,
    )


class RedisGate:
    """Runs calls to Redis; None stands for a Redis that cannot be used now."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self._closed_until = 0.0

    def call(self, function: Callable[[Redis], Result]) -> Result | None:
        """What `function` returns, or None after a failure and for a while after it."""
        if time.monotonic() < self._closed_until:
            return None
        try:
            return function(self.client)
        except RedisError as error:
            self._closed_until = time.monotonic() + _LEFT_ALONE_SECONDS
            logger.warning("Redis cannot be used, going on without: %s", error)
            return None


class ResponseCache:
    """Answers by key, with a lifetime, and with tags by which a write throws them out."""

    def __init__(self, gate: RedisGate) -> None:
        self._gate = gate
        self._store = gate.client.register_script(_STORE)
        self._drop = gate.client.register_script(_DROP)

    def prepare(self) -> None:
        """Lets Redis know the scripts, so that no request is the first to be told that it does not."""
        self._gate.call(lambda redis: [redis.script_load(script) for script in (_STORE, _DROP)])

    @staticmethod
    def name(key: str) -> bytes:
        """What an answer is called in Redis."""
        return (PREFIX + key).encode()

    def get(self, key: str) -> bytes | None:
        """The bytes of an answer; one round trip."""
        return cast("bytes | None", self._gate.call(lambda redis: redis.get(PREFIX + key)))

    def get_with_lifetime(self, key: str) -> tuple[bytes, float] | None:
        """The bytes of an answer and how many seconds it may still be used; one round trip."""
        found = self._gate.call(lambda redis: _get_with_lifetime(redis, PREFIX + key))
        return None if found is None or found[0] is None else (found[0], max(0, found[1]) / 1000)

    def generation(self) -> bytes | None:
        """What must still hold when an answer that is read from the database after this call is stored."""
        return self._gate.call(lambda redis: cast("bytes | None", redis.get(_GENERATION)) or b"0")

    def put(self, key: str, body: bytes, seconds: int, generation: bytes | None, tags: Iterable[str] = ()) -> None:
        """Stores an answer unless a write came since `generation` was read."""
        if generation is not None:
            keys = [PREFIX + key, _GENERATION, *(_TAG_PREFIX + tag for tag in tags)]
            self._run(self._store, keys, [generation, body, seconds, _TAG_SECONDS])

    def drop(self, tags: Iterable[str]) -> None:
        """Throws out every answer that bears one of the tags; call it after the commit."""
        self._run(self._drop, [_GENERATION, *(_TAG_PREFIX + tag for tag in tags)], [])

    def delete(self, keys: Iterable[str]) -> None:
        """Throws out single answers."""
        names = [PREFIX + key for key in keys]
        if names:
            self._gate.call(lambda redis: redis.unlink(*names))

    def clear(self) -> None:
        """Throws out all answers."""
        self._gate.call(_clear)

    def _run(self, script: Any, keys: list[str], arguments: list[Any]) -> None:
        self._gate.call(lambda redis: script(keys=keys, args=arguments, client=redis))


def _get_with_lifetime(redis: Redis, name: str) -> tuple[bytes | None, int]:
    """The value and its milliseconds: -2 where there is no value, -1 where it has no end, which none of ours has."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.get(name)
    pipeline.pttl(name)
    value, milliseconds = pipeline.execute()
    return value, milliseconds


def _clear(redis: Redis) -> None:
    redis.incr(_GENERATION)
    for pattern in (PREFIX, _TAG_PREFIX):
        for key in redis.scan_iter(match=pattern + "*", count=500):
            redis.unlink(key)


def product_tag(product_id: int) -> str:
    """The tag of every answer that shows a product."""
    return f"product:{product_id}"
