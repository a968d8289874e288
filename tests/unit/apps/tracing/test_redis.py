"""Redis in a request's subsegments: commands, pipelines, scripts, pub/sub, coroutines and clusters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tracing.redis
from redis import Redis, RedisCluster, WatchError
from redis import asyncio as redis_asyncio
from redis.exceptions import ResponseError
from support.servers import redis_server
from support.traced import parts_of, traced_request
from tracing import Segment
from tracing.rediskeys import key_count

_ALL_SLOTS = 16384


@pytest.fixture
def redis(redis_url: str) -> Iterator[Any]:
    with Redis.from_url(redis_url) as client:
        client.flushdb()
        tracing.redis.instrument(client)
        yield client
        tracing.redis.uninstrument(client)


def _told(segment: Segment) -> list[dict[str, object]]:
    return [part["metadata"]["redis"] for part in segment.document["subsegments"]]


def test_command_is_told_without_keys_or_values(redis: Any) -> None:
    with traced_request() as segment:
        redis.set("secret-key", "secret-value")
        redis.execute_command("mget", "a", "b", "c")
        redis.execute_command(b"GET", "a")
        redis.ping()
    assert _told(segment) == [
        {"command": "SET", "keys": 1},
        {"command": "MGET", "keys": 3},
        {"command": "GET", "keys": 1},
        {"command": "PING", "keys": 0},
    ]
    assert {(part["name"], part["namespace"]) for part in segment.document["subsegments"]} == {("redis", "remote")}
    assert "secret" not in str(segment.document)


@pytest.mark.parametrize(
    ("command", "keys"),
    [
        (("GET", "k"), 1),
        (("SOME.MODULE", "k", 1), 1),
        (("PING",), 0),
        (("PUBLISH", "channel", "message"), 0),
        (("CONFIG GET", "maxmemory"), 0),
        (("MEMORY USAGE", "k"), 1),
        (("OBJECT", "ENCODING", "k"), 1),
        (("XINFO HELP",), 0),
        (("MSET", "a", 1, "b", 2), 2),
        (("RENAME", "a", "b"), 2),
        (("BLPOP", "a", "b", 0), 2),
        (("BITOP", "AND", "to", "a", "b"), 3),
        (("ZUNIONSTORE", "to", 2, "a", "b"), 3),
        (("ZUNION", 2, "a", "b"), 2),
        (("EVALSHA", "digest", "2", "a", "b", "argument"), 2),
        (("XREAD", "COUNT", 5, "STREAMS", "a", "b", 0, 0), 2),
        (("XREAD", "COUNT", 5), 0),
        (("EVAL",), 0),
        (("EVAL", "return 1", "many"), 0),
        (("BLPOP",), 0),
    ],
)
def test_keys_are_counted_by_the_commands_own_grammar(command: tuple[object, ...], keys: int) -> None:
    assert key_count(command) == keys


@pytest.mark.parametrize("transaction", [True, False])
def test_pipeline_is_one_subsegment(redis: Any, transaction: bool) -> None:
    with traced_request() as segment:
        pipeline = redis.pipeline(transaction)
        pipeline.set("a", 1).incr("a").ping()
        assert pipeline.execute() == [True, 2, True]
    assert _told(segment) == [{"command": "PIPELINE", "commands": 3, "keys": 2}]


def _count_up(pipeline: Any) -> None:
    count = int(pipeline.get("counter") or 0)
    pipeline.multi()
    pipeline.set("counter", count + 1)


def test_transaction_tells_what_it_asks_before_it_begins(redis: Any) -> None:
    with traced_request() as segment:
        redis.transaction(lambda pipe: pipe.multi() or pipe.incr((pipe.get("counter") and "x") or "counter"), "counter")
    assert [told["command"] for told in _told(segment)] == ["WATCH", "PIPELINE"]


def test_lost_race_is_a_fault_of_its_transaction(redis: Any) -> None:
    with traced_request() as segment, redis.pipeline() as pipeline:
        pipeline.watch("counter")
        redis.incr("counter")
        pipeline.multi()
        pipeline.incr("counter")
        with pytest.raises(WatchError):
            pipeline.execute()
    assert [told["command"] for told in _told(segment)] == ["WATCH", "INCRBY", "PIPELINE"]
    assert [part.get("fault") for part in segment.document["subsegments"]] == [None, None, True]


def test_script_is_told_with_its_keys(redis: Any) -> None:
    script = redis.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    with traced_request() as segment:
        assert script(keys=["counter"], args=[5]) == 5
    told = _told(segment)
    assert {"command": "EVALSHA", "keys": 1} in told
    assert {entry["command"] for entry in told} <= {"EVALSHA", "SCRIPT LOAD"}


def test_subscription_is_told_and_waiting_is_not(redis: Any) -> None:
    with traced_request() as segment, redis.pubsub() as messages:
        messages.subscribe("channel")
        redis.publish("channel", "secret")
        received = [messages.get_message(timeout=5), messages.get_message(timeout=5)]
    assert [message and message["data"] for message in received] == [1, b"secret"]
    assert _told(segment)[:2] == [{"command": "SUBSCRIBE", "keys": 0}, {"command": "PUBLISH", "keys": 0}]
    assert "secret" not in str(segment.document)


def test_error_is_recorded(redis: Any) -> None:
    redis.set("text", "not a number")
    with traced_request() as segment, pytest.raises(ResponseError):
        redis.incr("text")
    [part] = segment.document["subsegments"]
    assert (part["fault"], "end_time" in part) == (True, True)


def test_without_a_sampled_request_nothing_is_noted(redis: Any) -> None:
    redis.ping()
    with traced_request(sampled=False) as segment:
        redis.ping()
        redis.pipeline().ping().execute()
    assert "subsegments" not in segment.document


def test_instrumented_twice_is_traced_once_and_undone_at_once(redis: Any) -> None:
    tracing.redis.instrument(redis)
    with traced_request() as segment:
        redis.ping()
        tracing.redis.uninstrument(redis)
        redis.ping()
        redis.pipeline().ping().execute()
    assert parts_of(segment.document) == ["redis"]
    assert "execute_command" not in vars(redis)


def test_coroutines_client_is_traced_to_the_last_await(redis_url: str) -> None:
    async def work() -> None:
        async with redis_asyncio.from_url(redis_url) as made:
            client: Any = made
            tracing.redis.instrument(client)
            await asyncio.gather(client.set("a", 1), client.get("a"), client.mget(["a", "b"]))
            await client.blpop(["nothing"], timeout=0.05)
            async with client.pipeline() as pipeline:
                await pipeline.watch("a")
                pipeline.multi()
                await pipeline.incr("a").execute()
            with pytest.raises(ResponseError):
                await client.lpush("a", 1)
            async with client.pubsub() as messages:
                await messages.subscribe("channel")
            tracing.redis.uninstrument(client)
            await client.ping()

    with traced_request() as segment:
        asyncio.run(work())
    told = _told(segment)
    assert sorted(str(entry["command"]) for entry in told[:3]) == ["GET", "MGET", "SET"]
    assert [entry["command"] for entry in told[3:8]] == ["BLPOP", "WATCH", "PIPELINE", "LPUSH", "SUBSCRIBE"]
    parts = segment.document["subsegments"]
    assert parts[3]["end_time"] - parts[3]["start_time"] >= 0.04
    assert [part.get("fault") for part in parts[:7]] == [None] * 6 + [True]
    assert "PING" not in {entry["command"] for entry in told}


@pytest.fixture(scope="module")
def cluster_port(server_folder: Path) -> Iterator[int]:
    """A cluster of one node that serves all slots."""
    folder = server_folder / "cluster"
    folder.mkdir()
    with redis_server(folder, cluster=True) as url, Redis.from_url(url) as made:
        client: Any = made
        client.execute_command("CLUSTER ADDSLOTS", *range(_ALL_SLOTS))
        deadline = time.monotonic() + 30
        while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield int(client.connection_pool.connection_kwargs["port"])


def test_clusters_client_is_traced(cluster_port: int) -> None:
    with RedisCluster(host="127.0.0.1", port=cluster_port) as made:
        client: Any = made
        tracing.redis.instrument(client)
        with traced_request() as segment:
            client.set("a", 1)
            assert client.pipeline().get("a").incr("a").execute() == [b"1", 2]
        tracing.redis.uninstrument(client)
    assert _told(segment) == [{"command": "SET", "keys": 1}, {"command": "PIPELINE", "commands": 2}]


def test_clusters_coroutines_client_is_traced(cluster_port: int) -> None:
    async def work() -> None:
        async with redis_asyncio.RedisCluster(host="127.0.0.1", port=cluster_port) as made:
            client: Any = made
            tracing.redis.instrument(client)
            await client.set("a", 1)
            assert await client.pipeline().get("a").incr("a").execute() == [b"1", 2]

    with traced_request() as segment:
        asyncio.run(work())
    assert _told(segment) == [{"command": "SET", "keys": 1}, {"command": "PIPELINE", "commands": 2}]
