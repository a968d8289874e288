"""The test suite's own servers are real and answer."""

from __future__ import annotations

import psycopg
import redis


def test_redis_answers(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()


def test_postgresql_answers(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("shop",)


def test_collection_is_importable_by_its_name() -> None:
    import ansible_collections.amazon.aws.plugins.module_utils.modules as modules

    assert modules.AnsibleAWSModule
