"""One process at a time reads an answer that is missing in Redis from the database; the others wait for it in Redis."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import cast

from redis import Redis

from backend.cache import GENERATION, PREFIX, TAG_PREFIX, TAG_SECONDS, RedisGate

# Far below the time-out of an answer from Redis, so that a wait is never taken for a Redis that is gone.
_BLOCK_MILLISECONDS = 100
_MARK_MILLISECONDS = 1000

# KEYS: lock, mark, generation, answer, tags. ARGV: token, generation that was read before the database was, bytes or
# nothing, lifetime, tag lifetime, mark's milliseconds. Nothing is stored when a write came between. The mark is a
# stream, as that wakes all who wait.
_FINISH = """
if ARGV[3] ~= '' and (redis.call('GET', KEYS[3]) or '0') == ARGV[2] then
  redis.call('SET', KEYS[4], ARGV[3], 'EX', ARGV[4])
  for index = 5, #KEYS do
    redis.call('SADD', KEYS[index], KEYS[4])
    redis.call('EXPIRE', KEYS[index], ARGV[5])
  end
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('UNLINK', KEYS[1])
  redis.call('XADD', KEYS[2], '*', 'refilled', '1')
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Refill:
    """An answer that is to be read from the database, as of a generation; `token` is empty where others read it too."""

    key: str
    generation: bytes
    token: str = ""

    @property
    def names(self) -> list[str]:
        """Of the lock, the mark, the generation and the answer. A refill of an older generation is in nobody's way."""
        name = f"{self.generation.decode()}:{self.key}"
        return [f"refill:{name}", f"refilled:{name}", GENERATION, PREFIX + self.key]


class Refills:
    """Gives out the right to refill, by a lock in Redis that ends by itself after `seconds`.

    A process that dies while it refills costs the others a wait of as long, once.
    """

    def __init__(self, gate: RedisGate, seconds: float) -> None:
        self._gate = gate
        self._seconds = seconds
        self._finish = gate.client.register_script(_FINISH)

    def prepare(self) -> None:
        """Lets Redis know the script."""
        self._gate.call(lambda redis: redis.script_load(_FINISH))

    def begin(self, key: str, generation: bytes) -> tuple[Refill, bytes | None]:
        """The refill, and the answer where another was quicker: then there is nothing left to do."""
        refill = Refill(key, generation, secrets.token_hex(8))
        found = self._gate.call(lambda redis: self._lock(redis, refill))
        if found is None:
            return Refill(key, generation), None
        is_ours, body = found
        if is_ours and body is not None:
            self._end(refill, b"", 0, ())
        if is_ours or body is not None:
            return refill, body
        return Refill(key, generation), self._wait(refill)

    def store(self, refill: Refill, body: bytes, seconds: int, tags: Iterable[str] = ()) -> None:
        """Stores the answer unless a write came since the generation was read; who waits for it is woken."""
        self._end(refill, body, seconds, tags)

    def give_up(self, refill: Refill) -> None:
        """Wakes who waits, without an answer."""
        self._end(refill, b"", 0, ())

    def _lock(self, redis: Redis, refill: Refill) -> tuple[bool, bytes | None]:
        lock, _mark, _generation, answer = refill.names
        pipeline = redis.pipeline(transaction=False)
        pipeline.set(lock, refill.token, nx=True, px=int(self._seconds * 1000))
        pipeline.get(answer)
        is_ours, body = pipeline.execute()
        return bool(is_ours), body

    def _wait(self, refill: Refill) -> bytes | None:
        """The answer once the other has stored it; None where it has not, or not in time."""
        _lock, mark, _generation, answer = refill.names
        until = time.monotonic() + self._seconds
        while (left := until - time.monotonic()) > 0:
            block = max(1, min(_BLOCK_MILLISECONDS, int(1000 * left)))
            marked = self._gate.call(partial(_marked, mark=mark, milliseconds=block))
            if marked is None:
                return None
            if marked:
                break
        return cast("bytes | None", self._gate.call(lambda redis: redis.get(answer)))

    def _end(self, refill: Refill, body: bytes, seconds: int, tags: Iterable[str]) -> None:
        keys = refill.names + [TAG_PREFIX + tag for tag in tags]
        arguments = (refill.token, refill.generation, body, seconds, TAG_SECONDS, _MARK_MILLISECONDS)
        self._gate.call(lambda redis: self._finish(keys=keys, args=arguments, client=redis))


def _marked(redis: Redis, mark: str, milliseconds: int) -> bool:
    return bool(redis.xread({mark: "0"}, block=milliseconds))
