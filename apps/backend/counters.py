"""Hits and misses of the cache over all processes: counted in memory, added up in a Redis hash by a thread."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from multiprocessing import util
from typing import cast

from redis import Redis

from backend.cache import RedisGate

_HASH = "metrics:cache"
FLUSH_SECONDS = 0.1


class CacheCounters:
    """Counts lookups; `totals` tells those of all processes."""

    def __init__(self, gate: RedisGate) -> None:
        self._gate = gate
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._hits = 0
        self._misses = 0

    def count(self, hit: bool) -> None:
        """Counts one lookup."""
        with self._lock:
            if hit:
                self._hits += 1
            else:
                self._misses += 1

    def flush(self) -> bool:
        """Adds what was counted to the totals; False where Redis cannot take it now, and it is kept for later."""
        with self._flushing:
            with self._lock:
                hits, misses = self._hits, self._misses
            if hits or misses:
                if self._gate.call(lambda redis: _add(redis, hits, misses)) is None:
                    return False
                with self._lock:
                    self._hits -= hits
                    self._misses -= misses
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


def at_exit(function: Callable[[], object]) -> None:
    """Calls a function when this process ends, be it started by a command or by multiprocessing, which skips atexit."""
    util.Finalize(None, function, exitpriority=10)
    atexit.register(function)


def _add(redis: Redis, hits: int, misses: int) -> bool:
    pipeline = redis.pipeline(transaction=True)
    pipeline.hincrby(_HASH, "hits", hits)
    pipeline.hincrby(_HASH, "misses", misses)
    pipeline.execute()
    return True
