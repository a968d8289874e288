"""Subsegments: own code, Redis, SQL and outgoing HTTP, with and without a context."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
import tracing.redis
import tracing.sqlalchemy
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from support.traced import ROOT, traced_request
from tracing import Segment, annotate, current, record_exception, subsegment
from tracing.entities import HELD_SUBSEGMENTS
from tracing.http import outgoing, traced_headers


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        tracing.redis.instrument(client)
        yield client
        tracing.redis.uninstrument(client)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = create_engine(database_url)
    tracing.sqlalchemy.instrument(made)
    yield made
    tracing.sqlalchemy.uninstrument(made)
    made.dispose()


def test_without_a_context_everything_is_a_no_op(redis: Redis, engine: Engine) -> None:
    with subsegment("work") as part, outgoing("backend", "GET", "http://backend/") as headers:
        part.annotate("key", "value")
        headers.answered(200)
        annotate("key", "value")
        record_exception(ValueError())
        redis.set("key", "value")
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    assert (dict(headers), traced_headers(), current()) == ({}, {}, None)


def test_subsegments_nest_and_keep_their_exception() -> None:
    @subsegment("outer")
    def work() -> None:
        with subsegment("inner") as inner:
            inner.annotate("size", 2)
            raise ValueError("inside")

    with traced_request() as segment:
        with pytest.raises(ValueError, match="inside"):
            work()
        assert current() is segment
    [outer] = segment.document["subsegments"]
    [nested] = outer["subsegments"]
    assert (nested["name"], nested["annotations"], nested["fault"]) == ("inner", {"size": 2}, True)
    assert outer["cause"] == nested["cause"]["exceptions"][0]["id"]
    assert "in_progress" not in outer


class _Awkward(Exception):
    """Cannot be hashed, compared or printed."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise ArithmeticError

    def __str__(self) -> str:
        raise ArithmeticError


def test_awkward_exception_does_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    error = _Awkward()
    error.__cause__ = _Awkward()
    error.__cause__.__context__ = error
    with traced_request() as segment:
        record_exception(error)
    assert [link["type"].split(".")[-1] for link in segment.document["cause"]["exceptions"]] == ["_Awkward"] * 2


def test_decorated_function_is_a_subsegment_each_time() -> None:
    @subsegment("price")
    def price(net: int) -> int:
        return net * 2

    with traced_request() as segment:
        assert (price(1), price(2)) == (2, 4)
    assert [part["name"] for part in segment.document["subsegments"]] == ["price", "price"]


def test_copied_context_reaches_another_thread() -> None:
    def work() -> None:
        with subsegment("in a thread"):
            pass

    with traced_request() as segment, ThreadPoolExecutor(1) as pool:
        pool.submit(copy_context().run, work).result()
    assert [part["name"] for part in segment.document["subsegments"]] == ["in a thread"]


def test_outgoing_call_passes_its_own_id_on() -> None:
    with traced_request() as segment, outgoing("backend", "GET", "http://backend/things?secret=1") as headers:
        headers.answered(503, 12)
    [part] = segment.document["subsegments"]
    assert headers == {"X-Amzn-Trace-Id": f"Root={ROOT};Parent={part['id']};Sampled=1"}
    assert (part["name"], part["namespace"], part["fault"]) == ("backend", "remote", True)
    assert part["http"] == {
        "request": {"method": "GET", "url": "http://backend/things"},
        "response": {"status": 503, "content_length": 12},
    }


def test_outgoing_call_of_an_unsampled_request_says_so() -> None:
    with traced_request(sampled=False) as segment, outgoing("backend", "GET", "http://backend/") as headers:
        headers.answered(200)
    assert headers["X-Amzn-Trace-Id"] == f"Root={ROOT};Parent={segment.id};Sampled=0"
    assert "subsegments" not in segment.document


@contextmanager
def _sendingtraced_request() -> Iterator[tuple[Segment, list[dict[str, Any]]]]:
    """A sampled request, and what was sent apart from it."""
    with traced_request() as segment:
        sent: list[dict[str, Any]] = []
        segment.send = lambda entity: sent.append(entity.document)
        yield segment, sent


def test_subsegments_beyond_a_hundred_are_sent_as_they_end() -> None:
    with _sendingtraced_request() as (segment, sent):
        for number in range(HELD_SUBSEGMENTS + 5):
            with subsegment(f"part {number}"), subsegment("inner"):
                pass
    held = segment.document["subsegments"]
    assert len(held) == HELD_SUBSEGMENTS / 2
    assert len(held) * 2 + len(sent) == 2 * (HELD_SUBSEGMENTS + 5)
    inner, outer = sent[:2]
    assert (outer["type"], outer["trace_id"], outer["parent_id"]) == ("subsegment", ROOT, segment.id)
    assert (inner["name"], inner["parent_id"]) == ("inner", outer["id"])


def test_subsegment_that_outlives_its_segment_is_sent_for_itself() -> None:
    with _sendingtraced_request() as (segment, sent):
        part = segment.child("in a thread")
        segment.close()
        inner = part.child("inside")
        inner.close()
        part.close(ValueError("late"))
        part.close()
    assert segment.document["subsegments"] == [part.document]
    assert [document["id"] for document in sent] == [inner.id, part.id]
    assert (sent[1]["parent_id"], sent[1]["cause"]["exceptions"][0]["message"]) == (segment.id, "late")
    assert "in_progress" not in sent[1]


def test_unsampled_request_records_no_subsegments() -> None:
    with traced_request(sampled=False) as segment:
        with subsegment("work") as part, subsegment("inner"):
            assert current() is not segment
            assert part.header() == f"Root={ROOT};Parent={segment.id};Sampled=0"
            record_exception(ValueError())
        assert set(segment.document) == {"id", "trace_id", "name", "start_time"}
