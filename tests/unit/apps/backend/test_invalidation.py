"""The hot path stays right: writes elsewhere, races, and a Redis that goes, freezes, restarts, forgets or forbids."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from backend.hotpath import KEEPING, HotPath
from backend.invalidation import Listener
from backend.services.caching import Fresh, read_public
from backend.services.shop import Shop
from backend.views.common import shop_of
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from serving.measured import ROUTE
from support.servers import free_port, redis_server
from support.tls_front import tls_front
from support.waiting import eventually
from werkzeug.test import Client

OpenApp = Callable[..., Flask]
LogIn = Callable[[str], dict[str, str]]
LAMP = "/api/catalog/products/halo-paper-lamp"
OTHER = b"{}"  # no answer of the API, so that it is none of its document
ADDRESS = {"name": "Ada", "street": "1 Way", "city": "Bonn", "postal_code": "53111", "country": "DE"}


def _wait_until_hot(app: Flask, target: str = LAMP) -> None:
    """Asks for a path until it is answered on the hot path."""

    def is_hot() -> bool:
        app.test_client().get(target)
        return shop_of(app).hot.get(("GET", target, "")) is not None

    eventually(is_hot)


def _wait_for_stock(app: Flask, stock: int) -> None:
    eventually(lambda: _stock(app) == stock)


def _stock(app: Flask) -> int:
    return int(app.test_client().get(LAMP).get_json()["data"]["stock"])


def test_order_in_another_process_is_seen(open_app: OpenApp, open_hot_app: OpenApp, log_in: LogIn) -> None:
    readers, writer = [open_hot_app(), open_hot_app()], open_app().test_client()
    for reader in readers:
        _wait_until_hot(reader)
    lamp = readers[0].test_client().get(LAMP).get_json()["data"]
    order = {"items": [{"product_id": lamp["id"], "quantity": 2}], "shipping_address": ADDRESS}
    placed = writer.post("/api/orders", json=order, headers=log_in("ada"))
    assert placed.status_code == 201
    for reader in readers:
        _wait_for_stock(reader, lamp["stock"] - 2)
        _wait_until_hot(reader)
    cancelled = writer.post(f"/api/orders/{placed.get_json()['data']['id']}/cancel", headers=log_in("ada"))
    assert cancelled.status_code == 200
    for reader in readers:
        _wait_for_stock(reader, lamp["stock"])


def _unlink_answers(redis: Redis) -> None:
    """Removes all answers by their names, as `seed` does."""
    redis.unlink(*redis.keys("response:*"))


@pytest.mark.parametrize("forget", [Redis.flushall, Redis.flushdb, _unlink_answers])
def test_everything_forgotten_is_forgotten_here(open_hot_app: OpenApp, redis: Redis, forget: Any) -> None:
    app = open_hot_app()
    for target in (LAMP, "/api/search/popular"):
        _wait_until_hot(app, target)
    forget(redis)
    eventually(lambda: shop_of(app).hot.size == (0, 0))
    assert shop_of(app).hot.on


def test_answer_ends_with_its_entry_in_redis(open_hot_app: OpenApp, redis: Redis) -> None:
    app = open_hot_app()
    _wait_until_hot(app)
    redis.pexpire("response:product:halo-paper-lamp", 300)
    eventually(lambda: shop_of(app).hot.size == (0, 0) or _left_seconds(app) <= 0.3)
    eventually(lambda: redis.exists("response:product:halo-paper-lamp") == 0)
    eventually(lambda: shop_of(app).hot.get(("GET", LAMP, "")) is None)


def _left_seconds(app: Flask) -> float:
    app.test_client().get(LAMP)
    ready = shop_of(app).hot.get(("GET", LAMP, ""))
    return 60.0 if ready is None else ready.until - time.monotonic()


class _Numbers:
    """One public answer, a number, behind the hot path; a write in another process changes it."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._number = 0
        self.client = Client(HotPath(self._routed, shop.hot, shop.limits, shop.counters))

    def write(self, redis: Redis) -> None:
        """The next number, of which Redis is told after the database, as everywhere in the shop."""
        self._number += 1
        redis.incr("generation:products")
        redis.unlink("response:number")

    def read(self) -> int:
        """What a client is told."""
        return int(self.client.get("/number").get_json()["data"])

    def wait_for(self, number: int) -> None:
        """Returns once a client is told this number."""
        eventually(lambda: self.read() == number)

    def _routed(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        found = read_public(self._shop, "number", 300, lambda: Fresh(self._number))
        environ[ROUTE], environ[KEEPING] = "/number", found.keeping
        start_response("200 OK", [("Content-Type", "application/json")])
        return [found.body]


def test_no_read_that_races_with_a_write_leaves_an_old_answer(open_hot_app: OpenApp, redis: Redis) -> None:
    shop = shop_of(open_hot_app())
    numbers, writes = _Numbers(shop), 300
    done = threading.Event()

    def read_on() -> None:
        while not done.is_set():
            numbers.read()

    readers = [threading.Thread(target=read_on) for _unused in range(3)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, writes + 1):
            numbers.write(redis)
            if number % 10 == 0:  # else the next write comes while reads of the last are on their way
                numbers.wait_for(number)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert numbers.read() == writes
    eventually(lambda: shop.hot.get(("GET", "/number", "")) is not None and numbers.read() == writes)


def test_killed_connection_clears_and_comes_back(open_hot_app: OpenApp, redis: Redis) -> None:
    app = open_hot_app()
    _wait_until_hot(app)
    changes = shop_of(app).hot.promise(b"any")
    assert changes is not None
    for client in redis.client_list():
        if "t" in client["flags"]:
            redis.client_kill(client["addr"])
    eventually(lambda: (after := shop_of(app).hot.promise(b"any")) is not None and after.changes > changes.changes)
    _wait_until_hot(app)
    redis.set("response:product:halo-paper-lamp", OTHER)
    eventually(lambda: FlaskClient(app).get(LAMP).data == OTHER)


@contextmanager
def _own_redis(folder: Path, port: int | None = None) -> Iterator[tuple[str, int]]:
    """A Redis of this test: its URL, and the process to stop and continue."""
    with redis_server(folder, port) as url:
        with Redis.from_url(url) as client:
            pid = client.info("server")["process_id"]
        yield url, pid


def test_frozen_redis_switches_it_off_until_it_answers_again(open_hot_app: OpenApp, tmp_path: Path) -> None:
    with _own_redis(tmp_path) as (url, pid):
        app = open_hot_app(redis_url=url)
        _wait_until_hot(app)
        os.kill(pid, signal.SIGSTOP)
        try:
            eventually(lambda: not shop_of(app).hot.on)
            assert shop_of(app).hot.size == (0, 0)
            assert app.test_client().get(LAMP).headers["X-Cache"] == "miss"
        finally:
            os.kill(pid, signal.SIGCONT)
        _wait_until_hot(app)


def test_restarted_redis_is_followed_again(open_hot_app: OpenApp, tmp_path: Path) -> None:
    port = free_port()
    with _own_redis(tmp_path, port) as (url, _unused):
        app = open_hot_app(redis_url=url)
        _wait_until_hot(app)
    eventually(lambda: not shop_of(app).hot.on)
    assert app.test_client().get(LAMP).status_code == 200
    with _own_redis(tmp_path, port):
        _wait_until_hot(app)


@pytest.mark.parametrize("rules", ["-client", "-client +client|id"])
def test_redis_that_forbids_it_is_asked_for_each_hit_and_told_of_once(
    open_app: OpenApp, redis: Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    monkeypatch.setattr("backend.invalidation._REFUSED_SECONDS", 0.02)
    redis.acl_setuser(
        "shop", reset=True, enabled=True, passwords="+secret", keys="*", commands=["+@all", *rules.split()]
    )
    kwargs = redis.connection_pool.connection_kwargs
    app = open_app(redis_url=f"redis://shop:secret@127.0.0.1:{kwargs['port']}/{kwargs['db']}")
    shop = shop_of(app)
    listener = Listener(shop.settings.redis_url, shop.hot)
    asked: list[None] = []
    monkeypatch.setattr(listener, "_track", _counting(listener._track, asked))
    listener.start()
    eventually(lambda: len(asked) >= 3)
    listener.stop()
    answers = [app.test_client().get(LAMP).headers["X-Cache"] for _unused in range(3)]
    assert answers == ["miss", "hit", "hit"]
    assert not shop.hot.on
    assert len([record for record in caplog.records if record.name == "backend.invalidation"]) == 1
    redis.acl_deluser("shop")


def _counting(function: Callable[[], None], called: list[None]) -> Callable[[], None]:
    def counted() -> None:
        called.append(None)
        function()

    return counted


def test_unix_socket_password_and_database_number_are_taken(open_hot_app: OpenApp, tmp_path: Path) -> None:
    port = free_port()
    with redis_server(tmp_path, port, requirepass="secret", unixsocket=f"{tmp_path}/redis.sock"):
        for way in (f"redis://:secret@127.0.0.1:{port}/3", f"unix://:secret@{tmp_path}/redis.sock?db=2"):
            app = open_hot_app(redis_url=way)
            _wait_until_hot(app)


def test_tls_is_taken(open_hot_app: OpenApp, tmp_path: Path) -> None:
    """Through a TLS server in front of Redis, as the tests' Redis is built without."""
    port = free_port()
    with redis_server(tmp_path, port) as url, tls_front(tmp_path, port) as tls_port:
        app = open_hot_app(redis_url=f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={tmp_path}/cert.pem")
        _wait_until_hot(app)
        with Redis.from_url(url) as plain:
            plain.set("response:product:halo-paper-lamp", OTHER)
        eventually(lambda: FlaskClient(app).get(LAMP).data == OTHER)
