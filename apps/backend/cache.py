"""Ready response bytes in Redis. A Redis that is gone is a cache that is empty, never an error."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry
from serving.circuit import Circuit

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

TAG_SECONDS = 3600
PREFIX = "response:"
GENERATION = "generation:products"
TAG_PREFIX = "tag:"

# Lifetimes in seconds, by kind of answer.
CATEGORIES, ME, SEARCH, SUGGEST, POPULAR, PRODUCTS = 300, 300, 120, 300, 600, 60

# KEYS: generation, then answers and tags; a tag is a set of answers.
_THROW_OUT = """
redis.call('INCR', KEYS[1])
local dropped = 0
for index = 2, #KEYS do
  if redis.call('TYPE', KEYS[index]).ok == 'set' then
    for _, key in ipairs(redis.call('SMEMBERS', KEYS[index])) do
      dropped = dropped + redis.call('UNLINK', key)
    end
  end
  dropped = dropped + redis.call('UNLINK', KEYS[index])
end
return dropped
"""


def connect(url: str, connections: int, answer_seconds: float) -> Redis:
    """A client that waits so long for a connection and for an answer.

    It tries again once where the server had closed the connection meanwhile; not after a time-out, as who asks a frozen
    Redis twice waits twice.
    """
    return Redis.from_url(
        url,
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 1, (ConnectionError,)),
        max_connections=connections,
    )


class RedisGate:
    """Runs calls to Redis; None stands for a Redis that cannot be used now."""

    def __init__(self, client: Redis) -> None:
        self.client = client
        self._circuit = Circuit()

    def call(self, function: Callable[[Redis], Result]) -> Result | None:
        """What `function` returns, or None after a failure and for a while after it.

        Then one caller tries, and the others go on without Redis until it has: a frozen one holds one thread.
        """
        if not self._circuit.lets_through():
            return None
        try:
            result = function(self.client)
        except RedisError as error:
            self._circuit.failed()
            logger.warning("Redis cannot be used, going on without: %s", error)
            return None
        self._circuit.succeeded()
        return result


class ResponseCache:
    """Answers by key, with a lifetime, and with tags by which a write throws them out.

    What could not be thrown out, as Redis was gone, is owed: `settle` does it later, and until then this process reads
    nothing out of the cache.
    """

    def __init__(self, gate: RedisGate) -> None:
        self._gate = gate
        self._script = gate.client.register_script(_THROW_OUT)
        self._owed: set[str] = set()
        self._settling = threading.Lock()
        self.writes = 0  # how often this process has thrown out answers

    def prepare(self) -> None:
        """Lets Redis know the script."""
        self._gate.call(lambda redis: redis.script_load(_THROW_OUT))

    @staticmethod
    def name(key: str) -> bytes:
        """What an answer is called in Redis."""
        return (PREFIX + key).encode()

    def get(self, key: str) -> bytes | None:
        """The bytes of an answer; one round trip."""
        return None if self._owed else cast("bytes | None", self._gate.call(lambda redis: redis.get(PREFIX + key)))

    def get_with_lifetime(self, key: str) -> tuple[bytes, float] | None:
        """The bytes of an answer and how many seconds it may still be used; one round trip."""
        if self._owed:
            return None
        found = self._gate.call(lambda redis: _get_with_lifetime(redis, PREFIX + key))
        return None if found is None or found[0] is None else (found[0], max(0, found[1]) / 1000)

    def generation(self) -> bytes | None:
        """What must still hold when an answer that is read from the database after this call is stored.

        None where nothing can be stored.
        """
        if self._owed:
            return None
        return self._gate.call(lambda redis: cast("bytes | None", redis.get(GENERATION)) or b"0")

    def drop(self, tags: Iterable[str]) -> None:
        """Throws out every answer that bears one of the tags; call it after the commit."""
        self._throw_out({TAG_PREFIX + tag for tag in tags})

    def delete(self, keys: Iterable[str]) -> None:
        """Throws out single answers; call it after the commit."""
        self._throw_out({PREFIX + key for key in keys})

    def settle(self) -> None:
        """Throws out what is owed, where Redis is back; to be called again and again."""
        if self._owed:
            with self._settling:
                if self._call(self._owed):
                    self._owed = set()

    def clear(self) -> None:
        """Throws out all answers."""
        self._gate.call(_clear)

    def _throw_out(self, names: set[str]) -> None:
        self.writes += 1
        if names and not self._call(names):
            with self._settling:
                self._owed |= names

    def _call(self, names: set[str]) -> bool:
        keys = [GENERATION, *names]
        return self._gate.call(lambda redis: self._script(keys=keys, client=redis)) is not None


def _get_with_lifetime(redis: Redis, name: str) -> tuple[bytes | None, int]:
    """The value and its milliseconds: -2 where there is no value, -1 where it has no end, which none of ours has."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.get(name)
    pipeline.pttl(name)
    value, milliseconds = pipeline.execute()
    return value, milliseconds


def _clear(redis: Redis) -> None:
    redis.incr(GENERATION)
    for pattern in (PREFIX, TAG_PREFIX):
        for key in redis.scan_iter(match=pattern + "*", count=500):
            redis.unlink(key)


# The tag of every answer that was chosen by what is in stock.
STOCK = "stock"


def product_tag(product_id: int) -> str:
    """The tag of every answer that shows a product."""
    return f"product:{product_id}"


def stock_tags(product_ids: Iterable[int]) -> list[str]:
    """The tags of every answer that is old when the stock of these products has changed."""
    return [STOCK, *map(product_tag, product_ids)]
