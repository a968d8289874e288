"""Reading through the cache: ready bytes on a hit, else the database's answer, stored with its tags."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from backend.answers import success_body
from backend.hotcache import Keeping
from backend.services.shop import Shop


@dataclass(frozen=True, slots=True)
class Fresh:
    """An answer's data from the database, and the tags of the writes that make it old."""

    data: Any
    tags: Iterable[str] = ()


@dataclass(frozen=True, slots=True)
class Public:
    """An answer that is the same for everyone; with what it may be kept by in this process, and until when."""

    body: bytes
    hit: bool
    keeping: Keeping | None = None


def read_through(shop: Shop, key: str, seconds: int, read: Callable[[], Fresh]) -> tuple[bytes, bool]:
    """The answer's bytes, and whether they came from the cache. Counts the lookup."""
    body = shop.cache.get(key)
    shop.counters.count(body is not None)
    if body is not None:
        return body, True
    return _read(shop, key, seconds, read), False


def read_public(shop: Shop, key: str, seconds: int, read: Callable[[], Fresh]) -> Public:
    """As `read_through`, of an answer that is the same for everyone and may be kept by the process."""
    promise = shop.hot.promise(shop.cache.name(key))
    if promise is None:
        return Public(*read_through(shop, key, seconds, read))
    found = shop.cache.get_with_lifetime(key)
    shop.counters.count(found is not None)
    if found is None:
        return Public(_read(shop, key, seconds, read), hit=False)
    body, left_seconds = found
    return Public(body, hit=True, keeping=(promise, time.monotonic() + left_seconds))


def _read(shop: Shop, key: str, seconds: int, read: Callable[[], Fresh]) -> bytes:
    """The answer from the database, read once for all who miss it now and have heard of the same writes."""
    generation = shop.cache.generation()
    heard = (key, generation, shop.cache.writes)
    return shop.flights.join(heard, lambda: _refill(shop, key, seconds, read, generation))


def _refill(shop: Shop, key: str, seconds: int, read: Callable[[], Fresh], generation: bytes | None) -> bytes:
    if generation is None:  # Redis is gone
        return success_body(read().data)
    refill, body = shop.refills.begin(key, generation)
    if body is not None:
        return body
    try:
        fresh = read()
        body = success_body(fresh.data)
    except BaseException:
        shop.refills.give_up(refill)
        raise
    shop.refills.store(refill, body, seconds, fresh.tags)
    return body
