"""aws-xray-sdk's recorder on requests that this package traces, and outside of them."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tracing.recorder
import tracing.redis
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.async_recorder import AsyncAWSXRayRecorder
from flask import Flask
from redis import Redis
from support.segments import SegmentReceiver
from support.traced import ROOT, parts_of, traced_request
from tracing import Tracing, TracingSettings, current, instrument, subsegment, uninstrument

SAMPLED = {"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=1"}
UNSAMPLED = {"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=0"}
APPS = Path(__file__).resolve().parents[4] / "apps"


@pytest.fixture(autouse=True)
def connected(settings: TracingSettings) -> Iterator[Tracing]:
    made = Tracing(settings)
    yield made
    made.stop()


def _served(settings: TracingSettings, view: Callable[[], str], headers: dict[str, str] = SAMPLED) -> str:
    """What a traced Flask application answers whose only view is this one."""
    app = Flask("traced")
    app.add_url_rule("/", view_func=view, endpoint="view")
    instrument(app, settings)
    try:
        return app.test_client().get("/", headers=headers).text
    finally:
        uninstrument(app)


def test_what_a_view_tells_the_recorder_is_in_the_requests_own_segment_once(
    settings: TracingSettings, receiver: SegmentReceiver
) -> None:
    def view() -> str:
        xray_recorder.current_segment().set_user("anna")
        xray_recorder.put_annotation("basket", 3)
        xray_recorder.put_metadata("prices", {"net": 1}, "shop")
        with xray_recorder.in_subsegment("price", namespace="remote") as part:
            part.put_annotation("currency", "EUR")
            part.put_http_meta("status", 404)
            xray_recorder.put_metadata("inner", [1])
        return "fine"

    assert _served(settings, view) == "fine"
    segment = receiver.next()
    assert receiver.pending() == []
    assert (segment["name"], segment["user"], segment["trace_id"]) == ("shop", "anna", ROOT)
    assert (segment["annotations"]["basket"], segment["annotations"]["http_status"]) == (3, 200)
    assert segment["metadata"] == {"shop": {"prices": {"net": 1}}}
    [part] = segment["subsegments"]
    assert (part["name"], part["namespace"], part["error"]) == ("price", "remote", True)
    assert (part["annotations"], part["metadata"]) == ({"currency": "EUR"}, {"default": {"inner": [1]}})
    assert (part["http"], "in_progress" in part) == ({"response": {"status": 404}}, False)
    assert part["start_time"] <= part["end_time"]


def test_both_faces_nest_into_each_other(redis_url: str) -> None:
    @xray_recorder.capture("captured")
    def captured(client: Redis) -> None:
        client.ping()

    with Redis.from_url(redis_url) as client, traced_request() as segment:
        tracing.redis.instrument(client)
        with xray_recorder.in_subsegment("outer"):
            client.ping()
            with subsegment("own"):
                captured(client)
            client.ping()
        client.ping()
    assert parts_of(segment.document) == [
        ("outer", ["redis", ("own", [("captured", ["redis"])]), "redis"]),
        "redis",
    ]


def test_begin_and_end_say_what_is_current() -> None:
    with traced_request() as segment:
        assert xray_recorder.current_segment().id == segment.id
        outer = xray_recorder.begin_subsegment("outer")
        inner = xray_recorder.begin_subsegment("in?ner", namespace="aws")
        assert (inner.name, inner.namespace, inner.type) == ("in_ner", "aws", "subsegment")
        assert inner.parent_segment == xray_recorder.current_segment()
        assert (xray_recorder.current_subsegment(), xray_recorder.get_trace_entity()) == (inner, inner)
        assert (inner.parent_id, inner.trace_id, inner.sampled) == (outer.id, ROOT, True)
        xray_recorder.end_subsegment()
        assert (xray_recorder.current_subsegment(), inner.in_progress, outer.in_progress) == (outer, False, True)
        xray_recorder.end_subsegment(end_time=outer.start_time + 5)
        xray_recorder.end_subsegment()
        assert current() is segment
    [part] = segment.document["subsegments"]
    assert part["end_time"] == part["start_time"] + 5


def test_exception_is_recorded_where_it_was_raised_and_named_further_up() -> None:
    def fail() -> None:
        with xray_recorder.in_subsegment("inner"):
            raise ValueError("wrong")

    with traced_request() as segment:
        with pytest.raises(ValueError, match="wrong"), xray_recorder.in_subsegment("outer"):
            fail()
        xray_recorder.current_segment().add_exception(KeyError("never raised"), [("shop.py", 7, "buy")], remote=True)
    [outer] = segment.document["subsegments"]
    [inner] = outer["subsegments"]
    [raised] = inner["cause"]["exceptions"]
    assert (inner["fault"], raised["message"], raised["stack"][0]["label"]) == (True, "wrong", "fail")
    assert (outer["fault"], outer["cause"]) == (True, raised["id"])
    [never] = segment.document["cause"]["exceptions"]
    assert (never["remote"], never["stack"]) == (True, [{"path": "shop.py", "line": 7, "label": "buy"}])


def test_capture_times_coroutines_by_its_asynchronous_form() -> None:
    @xray_recorder.capture_async("waiting")
    async def wait() -> str:
        await asyncio.sleep(0.01)
        return "waited"

    async def both() -> list[str]:
        async with xray_recorder.in_subsegment_async("outer"):
            return list(await asyncio.gather(wait(), wait()))

    with traced_request() as segment:
        assert asyncio.run(both()) == ["waited", "waited"]
    assert parts_of(segment.document) == [("outer", ["waiting", "waiting"])]
    assert all(
        part["end_time"] - part["start_time"] >= 0.009 for part in segment.document["subsegments"][0]["subsegments"]
    )


def test_unsampled_request_takes_every_call_and_sends_nothing(
    settings: TracingSettings, receiver: SegmentReceiver
) -> None:
    told = []

    @xray_recorder.capture("captured")
    def captured() -> str:
        told.append((xray_recorder.is_sampled(), xray_recorder.current_subsegment().trace_id))
        return "fine"

    def view() -> str:
        with xray_recorder.in_subsegment("part") as part:
            part.put_annotation("key", "value")
            part.set_sql({"url": "somewhere"})
            xray_recorder.current_segment().set_user("anna")
            part.add_exception(ValueError(), [])
            answer: str = captured()
            return answer

    assert _served(settings, view, UNSAMPLED) == "fine"
    assert (told, receiver.pending()) == ([(False, ROOT)], [])


def test_part_begun_without_sampling_goes_nowhere_with_all_in_it() -> None:
    with traced_request() as segment:
        xray_recorder.begin_subsegment_without_sampling("secret")
        with xray_recorder.in_subsegment("inner"):
            assert xray_recorder.is_sampled() is False
        xray_recorder.end_subsegment()
        assert (xray_recorder.is_sampled(), current()) == (True, segment)
    assert parts_of(segment.document) == []


def test_outside_of_a_request_every_call_is_a_silent_no_op(caplog: pytest.LogCaptureFixture) -> None:
    @xray_recorder.capture("captured")
    def captured() -> str:
        return "done"

    with caplog.at_level(logging.DEBUG):
        with xray_recorder.in_subsegment("part") as part:
            part.put_annotation("key", "value")
            part.name = "renamed"
            xray_recorder.put_annotation("key", "value")
            xray_recorder.put_metadata("key", "value")
        xray_recorder.begin_subsegment("begun")
        xray_recorder.current_segment().set_user("anna")
        xray_recorder.end_subsegment()
        xray_recorder.end_segment()
        assert captured() == "done"
    assert not part
    assert not xray_recorder.current_subsegment()
    assert (xray_recorder.is_sampled(), part.id, caplog.records) == (False, None, [])


def test_worker_sends_its_own_segment_with_what_happens_in_it(
    connected: Tracing, receiver: SegmentReceiver, redis_url: str
) -> None:
    with Redis.from_url(redis_url) as client:
        tracing.redis.instrument(client)

        def work() -> None:
            with xray_recorder.in_segment("worker", sampling=1) as segment:
                segment.put_annotation("order", 7)
                client.ping()
                xray_recorder.begin_subsegment("left open")
                raise ValueError("no such order")

        with pytest.raises(ValueError, match="no such order"):
            work()
    sent = receiver.next()
    assert receiver.pending() == []
    assert (sent["name"], sent["annotations"]["order"], sent["fault"]) == ("worker", 7, True)
    assert parts_of(sent) == ["redis", "left open"]
    assert all("end_time" in part for part in sent["subsegments"])
    assert (current(), connected.sent) == (None, 1)


def test_workers_segment_can_continue_a_trace(receiver: SegmentReceiver) -> None:
    xray_recorder.begin_segment("worker", traceid=ROOT, parent_id="53995c3f42cd8ad8", sampling=1)
    xray_recorder.end_segment()
    sent = receiver.next()
    assert (sent["trace_id"], sent["parent_id"]) == (ROOT, "53995c3f42cd8ad8")


def test_workers_segment_that_is_not_sampled_sends_nothing(receiver: SegmentReceiver) -> None:
    with xray_recorder.in_segment("worker", sampling=0) as segment:
        assert (segment.sampled, xray_recorder.is_sampled()) == (False, False)
    assert (current(), receiver.pending()) == (None, [])


def test_segment_begun_in_a_request_is_a_part_of_it() -> None:
    with traced_request() as segment:
        xray_recorder.begin_subsegment("around")
        with xray_recorder.in_segment("job") as job:
            job.set_user("anna")
            xray_recorder.begin_subsegment("left open")
        xray_recorder.end_segment()
        xray_recorder.put_annotation("still", "around")
        xray_recorder.end_subsegment()
        assert current() is segment
    assert parts_of(segment.document) == [("around", [("job", ["left open"])])]
    assert (segment.document["user"], segment.document["subsegments"][0]["annotations"]) == (
        "anna",
        {"still": "around"},
    )


def test_subsegment_that_a_request_leaves_open_does_not_reach_the_next() -> None:
    with traced_request():
        xray_recorder.begin_subsegment("left open")
    with traced_request() as segment:
        xray_recorder.end_subsegment()
        with xray_recorder.in_subsegment("next"):
            pass
        assert current() is segment
    assert parts_of(segment.document) == ["next"]


def test_entity_can_be_handed_to_a_thread_as_the_sdk_documents_it() -> None:
    def work(entity: Any) -> None:
        xray_recorder.set_trace_entity(entity)
        with xray_recorder.in_subsegment("in the pool"):
            pass
        xray_recorder.clear_trace_entities()
        assert not xray_recorder.get_trace_entity()

    with traced_request() as segment, ThreadPoolExecutor(1) as pool, xray_recorder.in_subsegment("around"):
        pool.submit(work, xray_recorder.get_trace_entity()).result()
    assert parts_of(segment.document) == [("around", ["in the pool"])]


def test_threads_of_two_requests_do_not_see_each_other() -> None:
    documents = []

    def request(name: str) -> None:
        with traced_request() as segment:
            for _unused in range(50):
                with xray_recorder.in_subsegment(name):
                    time.sleep(0)
        documents.append(segment.document)

    threads = [threading.Thread(target=request, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted({str(parts_of(document)) for document in documents}) == [str([name] * 50) for name in "0123"]


def test_sdks_own_tools_read_an_entity() -> None:
    with traced_request() as segment, xray_recorder.in_subsegment("part") as part:
        part.add_subsegment(part)
        part.apply_status_code(503)
        assert part.to_dict()["id"] == part.id
        assert f'"id": "{part.id}"' in part.serialize()
        assert (part.fault, part.annotations, part.subsegments) == (True, {}, [])
        assert xray_recorder.current_segment().get_total_subsegments_size() == 1
        assert hash(part) == hash(xray_recorder.current_subsegment())
        part.close()
        part.put_annotation("late", 1)
    assert parts_of(segment.document) == ["part"]


def test_disconnected_recorder_is_the_sdks_own_again(connected: Tracing) -> None:
    other = object()
    tracing.recorder.connect(other)  # type: ignore[arg-type]
    tracing.recorder.disconnect(other)  # type: ignore[arg-type]
    assert type(xray_recorder) is tracing.recorder.TracedRecorder
    tracing.recorder.disconnect(connected)
    assert type(xray_recorder) is AsyncAWSXRayRecorder


def test_sdks_own_segments_still_reach_the_daemon_after_it(connected: Tracing, receiver: SegmentReceiver) -> None:
    tracing.recorder.disconnect(connected)
    xray_recorder.configure(daemon_address="{}:{}".format(*receiver.address))
    xray_recorder.begin_segment("the SDK's", sampling=1)
    xray_recorder.end_segment()
    assert receiver.next()["name"] == "the SDK's"
    xray_recorder.emitter._socket.close()
    xray_recorder.emitter._socket = None


def test_sdk_is_not_imported_with_tracing_off_and_leaves_no_socket_with_it_on() -> None:
    program = f"""
import sys, warnings, gc
sys.path.insert(0, {str(APPS)!r})
from flask import Flask
from tracing import TracingSettings, instrument, uninstrument
instrument(Flask("off"), TracingSettings("off", mode="off"))
assert not [name for name in sys.modules if name.startswith("aws_xray_sdk")]
app = Flask("on")
instrument(app, TracingSettings("on"))
uninstrument(app)
from aws_xray_sdk.core import xray_recorder
print(type(xray_recorder).__name__, xray_recorder.emitter._socket)
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.stdout, run.stderr, run.returncode) == ("AsyncAWSXRayRecorder None\n", "", 0)
