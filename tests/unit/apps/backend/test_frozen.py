"""Redis and PostgreSQL that are frozen, and a backend that is told to end, as it is served in production."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from backend.settings import Settings
from redis import Redis
from support.served import answer, ask_until_it_ends, connected, request, served_backend
from support.waiting import eventually

CACHED, UNCACHED = "/api/catalog/categories", "/api/search?q=lamp{}"
BOUND_SECONDS = 15


@contextmanager
def _frozen(*processes: psutil.Process) -> Iterator[None]:
    try:
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # it was just ending
                process.suspend()
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _postgresql(settings: Settings) -> list[psutil.Process]:
    with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
    assert server is not None
    return [server, *server.children()]


def _all(port: int, paths: list[str]) -> list[tuple[int, bytes]]:
    """The answers to requests that are made at the same time, each within its bound."""
    with ThreadPoolExecutor(len(paths)) as pool:
        return list(pool.map(lambda path: answer(connected(port, request(path), BOUND_SECONDS)), paths))


def _is_hit(port: int) -> bool:
    return b"x-cache: hit" in answer(connected(port, request(CACHED)))[1].lower()


def test_frozen_redis_is_gone_without_and_used_again(tmp_path: Path, seeded_settings: Settings, redis: Redis) -> None:
    url, redis_url = seeded_settings.database_url, seeded_settings.redis_url
    server = psutil.Process(redis.info("server")["process_id"])
    with served_backend(tmp_path, url, redis_url, REDIS_TIMEOUT_MS="300") as (port, _unused):
        eventually(lambda: _is_hit(port))
        with _frozen(server):
            answers = _all(port, [CACHED] * 10 + [UNCACHED.format(number) for number in range(10)])
        assert [status for status, _unused in answers] == [200] * 20
        eventually(lambda: _is_hit(port))


def test_frozen_database_leaves_cached_answers_and_is_used_again(
    tmp_path: Path, seeded_settings: Settings, redis: Redis
) -> None:
    url, redis_url = seeded_settings.database_url, seeded_settings.redis_url
    with served_backend(tmp_path, url, redis_url, DATABASE_TIMEOUT_MS="500", REDIS_TIMEOUT_MS="60000") as (
        port,
        _unused,
    ):
        eventually(lambda: _is_hit(port))
        _all(port, [UNCACHED.format(f"-before-{number}") for number in range(8)])
        with _frozen(*_postgresql(seeded_settings)):
            with ThreadPoolExecutor(1) as pool:
                refused = pool.submit(_all, port, [UNCACHED.format(number) for number in range(20)])
                cached = _all(port, [CACHED] * 10)
            assert {status for status, _unused in refused.result()} == {503}
            assert all(b"retry-after: 2\r\n" in content.lower() for _unused, content in refused.result())
            assert [status for status, _unused in cached] == [200] * 10
        eventually(lambda: answer(connected(port, request(UNCACHED.format("-after"))))[0] == 200)


def test_no_request_is_lost_when_it_is_told_to_end(tmp_path: Path, seeded_settings: Settings, redis: Redis) -> None:
    url, redis_url = seeded_settings.database_url, seeded_settings.redis_url
    with served_backend(tmp_path, url, redis_url) as (port, process):
        asked = ask_until_it_ends(port, process, [CACHED] * 3 + [UNCACHED.format(number) for number in range(3)])
    assert asked.lost == []
    assert set(asked.answered) == {200}
