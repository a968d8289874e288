"""Missing answers are read from the database once: over threads, over processes, and right in the face of writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from backend.refills import Refills
from backend.services.caching import Fresh, read_through
from backend.services.shop import Shop
from backend.views.common import shop_of
from flask import Flask
from redis import Redis
from support.servers import free_port, redis_server
from support.waiting import eventually

OpenApp = Callable[..., Flask]


class _Reading:
    """A read of the database that lasts until it is released; counts how often it is made."""

    def __init__(self, data: str = "read", *tags: str) -> None:
        self.made = 0
        self.began, self.released = threading.Event(), threading.Event()
        self._fresh = Fresh(data, tags)

    def __call__(self) -> Fresh:
        self.made += 1
        self.began.set()
        assert self.released.wait(20)
        return self._fresh


def _get(shop: Shop, read: Callable[[], Fresh]) -> bytes:
    return read_through(shop, "key", 60, read)[0]


@contextmanager
def _under_way(shop: Shop, reading: _Reading) -> Iterator[tuple[ThreadPoolExecutor, Future[bytes]]]:
    """A request of `shop` whose read of the database is under way."""
    with ThreadPoolExecutor(8) as pool:
        try:
            first = pool.submit(_get, shop, reading)
            assert reading.began.wait(20)
            yield pool, first
        finally:
            reading.released.set()


def test_other_process_waits_for_the_answer(open_app: OpenApp, redis: Redis) -> None:
    here, there = (shop_of(open_app(cache_refill_seconds=60)) for _unused in range(2))
    reading = _Reading()
    with _under_way(here, reading) as (pool, first):
        waiting = [pool.submit(_get, there, lambda: Fresh("read twice")) for _unused in range(4)]
        eventually(lambda: any(client["cmd"] == "xread" for client in redis.client_list()))
        reading.released.set()
        assert {outcome.result() for outcome in (first, *waiting)} == {first.result()}
    assert b"twice" not in first.result()
    assert redis.keys("refill:*") == []


def test_process_that_dies_while_it_reads_costs_a_bounded_wait(open_app: OpenApp, redis: Redis) -> None:
    shop = shop_of(open_app(cache_refill_seconds=1))
    generation = shop.cache.generation()
    assert generation is not None
    dead, _unused = shop.refills.begin("key", generation)
    assert dead.token
    assert b"own" in _get(shop, lambda: Fresh("own"))
    assert b"own" in (redis.get("response:key") or b"")


def test_reader_that_fails_lets_the_others_read(open_app: OpenApp, redis: Redis) -> None:
    here, there = (shop_of(open_app(cache_refill_seconds=60)) for _unused in range(2))

    def fail() -> Fresh:
        raise KeyError("no such row")

    with pytest.raises(KeyError):
        _get(here, fail)
    assert b"own" in _get(there, lambda: Fresh("own"))


@pytest.mark.parametrize("write", [lambda shop: shop.cache.drop(["tag"]), lambda shop: shop.cache.delete(["key"])])
def test_answer_from_before_a_write_is_not_stored_after_it(
    open_app: OpenApp, redis: Redis, write: Callable[[Shop], None]
) -> None:
    shop, other = (shop_of(open_app()) for _unused in range(2))
    reading = _Reading("old", "tag")
    with _under_way(shop, reading) as (_pool, first):
        write(other)
        reading.released.set()
        assert b"old" in first.result()
    assert redis.get("response:key") is None


@pytest.mark.parametrize("with_redis", [True, False])
def test_who_asks_after_a_write_does_not_get_what_was_read_before(open_app: OpenApp, with_redis: bool) -> None:
    changes = {} if with_redis else {"redis_url": f"redis://127.0.0.1:{free_port()}/0"}
    shop = shop_of(open_app(cache_refill_seconds=60, **changes))
    reading = _Reading("old", "tag")
    with _under_way(shop, reading):
        shop.cache.drop(["tag"])
        assert b"new" in _get(shop, lambda: Fresh("new", ["tag"]))
    assert b"old" not in _get(shop, lambda: Fresh("new", ["tag"]))


def test_without_redis_a_process_still_reads_once(open_app: OpenApp, joined: list[object]) -> None:
    shop = shop_of(open_app(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    _get(shop, lambda: Fresh("warm"))
    reading = _Reading()
    with _under_way(shop, reading) as (pool, first):
        joining = [pool.submit(_get, shop, reading) for _unused in range(7)]
        eventually(lambda: len(joined) == 7)
        reading.released.set()
        assert {outcome.result() for outcome in joining} == {first.result()}
    assert reading.made == 1


def test_write_that_redis_did_not_hear_of_is_made_up_for(
    open_app: OpenApp, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    with redis_server(folder, port, dbfilename="kept.rdb", save="1 1") as url:
        shop = shop_of(open_app(redis_url=url))
        _get(shop, lambda: Fresh("old", ["tag"]))
        shop.gate.client.save()
    shop.cache.drop(["tag"])
    with redis_server(folder, port, dbfilename="kept.rdb") as url, Redis.from_url(url) as redis:
        eventually(lambda: b"old" in (redis.get("response:key") or b""))
        assert b"new" in _get(shop, lambda: Fresh("new", ["tag"]))

        def settled() -> bool:
            shop.cache.settle()
            return redis.get("response:key") is None

        eventually(settled)
        assert b"newer" in _get(shop, lambda: Fresh("newer", ["tag"]))
        assert b"newer" in _get(shop, lambda: Fresh("not asked for"))


def test_lock_of_another_process_is_left_alone(open_app: OpenApp, redis: Redis) -> None:
    shop = shop_of(open_app())
    late = Refills(shop.gate, 0.001)
    refill, _unused = late.begin("key", b"0")
    eventually(lambda: not redis.exists(refill.names[0]))
    other, _unused = shop.refills.begin("key", b"0")
    late.store(refill, b"late", 60)
    assert redis.get(other.names[0]) == other.token.encode()
