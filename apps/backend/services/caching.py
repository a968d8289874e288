"""Reading through the cache: ready bytes on a hit, else the database's answer, stored with its tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from backend.answers import success_body
from backend.services.shop import Shop


@dataclass(frozen=True, slots=True)
class Fresh:
    """An answer's data from the database, and the tags of the writes that make it old."""

    data: Any
    tags: Iterable[str] = ()


def read_through(shop: Shop, key: str, seconds: int, read: Callable[[], Fresh]) -> tuple[bytes, bool]:
    """The answer's bytes, and whether they came from the cache. Counts the lookup."""
    body = shop.cache.get(key)
    shop.counters.count(body is not None)
    if body is not None:
        return body, True
    generation = shop.cache.generation()
    fresh = read()
    body = success_body(fresh.data)
    shop.cache.put(key, body, seconds, generation, fresh.tags)
    return body, False
