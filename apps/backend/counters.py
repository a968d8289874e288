"""Hits and misses of the cache over all processes: counted in memory, added up in a Redis hash by a thread."""

from __future__ import annotations

import threading
import time
from typing import cast

from redis import Redis

from backend.cache import RedisGate

_HASH = "metrics:cache"


class CacheCounters:
    """Counts lookups; `totals` tells those of all processes."""

    def __init__(self, gate: RedisGate) -> None:
        self._gate = gate
        self._flushing = threading.Lock()
        # An entry for each lookup that is not yet added up: to append is one step, which takes no lock.
        self.hits: list[None] = []
        self.misses: list[None] = []

    def count(self, hit: bool) -> None:
        """Counts one lookup."""
        (self.hits if hit else self.misses).append(None)

    def flush(self) -> bool:
        """Adds what was counted to the totals; False where Redis cannot take it now, and it is kept for later."""
        with self._flushing:
            hits, misses = len(self.hits), len(self.misses)
            if hits or misses:
                if self._gate.call(lambda redis: _add(redis, hits, misses)) is None:
                    return False
                del self.hits[:hits], self.misses[:misses]
        return True

    def totals(self) -> tuple[int, int] | None:
        """Hits and misses of all processes, this one's up to now; None where Redis cannot be reached."""
        self.flush()
        found = self._gate.call(lambda redis: cast("list[bytes | None]", redis.hmget(_HASH, ["hits", "misses"])))
        return None if found is None else (int(found[0] or 0), int(found[1] or 0))


def snapshot(hits: int, misses: int) -> dict[str, float | int]:
    """The answer of /metrics/cache; hitRate in percent, timestamp in epoch milliseconds."""
    total = hits + misses
    rate = round(100 * hits / total, 2) if total else 0.0
    return {"hits": hits, "misses": misses, "hitRate": rate, "total": total, "timestamp": int(time.time() * 1000)}


def _add(redis: Redis, hits: int, misses: int) -> bool:
    pipeline = redis.pipeline(transaction=True)
    pipeline.hincrby(_HASH, "hits", hits)
    pipeline.hincrby(_HASH, "misses", misses)
    pipeline.execute()
    return True
