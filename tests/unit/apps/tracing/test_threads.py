"""Threads and pools in the request that they work for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from queue import Queue

import pytest
import tracing.threads
from support.traced import parts_of, traced_request
from tracing import carry, current, subsegment
from tracing.entities import LATE_SECONDS, Entity


@pytest.fixture
def instrumented() -> Iterator[None]:
    tracing.threads.instrument()
    yield
    tracing.threads.uninstrument()


def _work(name: str = "work") -> str:
    with subsegment(name):
        return name


def test_carried_function_works_for_the_request_wherever_it_runs() -> None:
    with traced_request() as segment, ThreadPool(1) as pool, subsegment("around"):
        assert pool.apply(carry(_work), ("in a pool",)) == "in a pool"
        assert pool.apply(_work, ("on its own",)) == "on its own"
    assert parts_of(segment.document) == [("around", ["in a pool"])]
    assert carry(_work) is _work


@pytest.mark.usefixtures("instrumented")
def test_thread_works_for_the_request_that_started_it() -> None:
    class Worker(threading.Thread):
        def run(self) -> None:
            _work("subclass")

    with traced_request() as segment, subsegment("around"):
        threads = [threading.Thread(target=_work, args=("target",)), Worker(), threading.Timer(0, _work)]
        for thread in threads:
            thread.start()
            thread.join()
    assert parts_of(segment.document) == [("around", ["target", "subclass", "work"])]
    assert not any("run" in vars(thread) for thread in threads)


@pytest.mark.usefixtures("instrumented")
def test_pools_jobs_work_for_their_own_requests_and_for_none() -> None:
    with ThreadPoolExecutor(1) as pool:
        with traced_request() as first:
            assert list(pool.map(_work, ["a", "b"])) == ["a", "b"]
        with traced_request() as second:
            pool.submit(_work, name="c").result()
        assert pool.submit(current).result() is None
    assert (parts_of(first.document), parts_of(second.document)) == (["a", "b"], ["c"])


@pytest.mark.usefixtures("instrumented")
def test_thread_that_outlives_its_request_does_no_harm() -> None:
    over = threading.Event()

    def late() -> None:
        over.wait(10)
        with subsegment("late") as part:
            part.annotate("key", "value")

    with traced_request() as segment:
        thread = threading.Thread(target=late)
        thread.start()
    end = segment.document["end_time"]
    over.set()
    thread.join()
    assert (parts_of(segment.document), segment.document["end_time"]) == ([], end)


@pytest.mark.parametrize(("seconds", "told"), [(LATE_SECONDS - 60, ["late"]), (LATE_SECONDS + 60, [])])
def test_thread_that_never_ends_is_not_told_of_for_ever(seconds: float, told: list[str]) -> None:
    sent: list[Entity] = []
    with traced_request() as segment:
        segment.send = sent.append
        late = carry(_work)
    segment.document["end_time"] -= seconds
    late("late")
    assert [entity.document["name"] for entity in sent] == told


@pytest.mark.usefixtures("instrumented")
def test_thread_of_tracings_own_belongs_to_no_request() -> None:
    seen: Queue[object] = Queue()
    with traced_request():
        tracing.threads.start_outside(lambda: seen.put(current()), "own")
        assert seen.get(timeout=10) is None


def test_uninstrumented_threads_are_as_before() -> None:
    before = threading.Thread.start, ThreadPoolExecutor.submit
    tracing.threads.instrument()
    tracing.threads.instrument()
    tracing.threads.uninstrument()
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before
