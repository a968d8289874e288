"""The way of spans out of the process: queued, exported, counted; signed for X-Ray's own endpoint."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from support.clients import Clients
from support.localaws import CLIENT_ENVIRONMENT
from support.servers import free_port
from support.span_collector import SpanCollector, span_collector
from support.transaction_search import search_transactions
from support.waiting import eventually
from tracing.ids import new_id, new_trace_id
from tracing.opentelemetry.endpoint import Endpoint, endpoint_from
from tracing.opentelemetry.pipeline import Pipeline
from tracing.opentelemetry.spans import spans_of

SHOP = Resource({"service.name": "shop"})


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[SpanCollector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with span_collector() as running:
        yield running


def segment_spans(parts: int = 0) -> list[ReadableSpan]:
    """The spans of a segment that began just now."""
    times = {"start_time": time.time(), "end_time": time.time()}
    below = [{"id": new_id(), "name": "part", **times} for _unused in range(parts)]
    return spans_of({"id": new_id(), "trace_id": new_trace_id(), "name": "shop", "subsegments": below, **times}, SHOP)


def told(pipeline: Pipeline) -> tuple[int, int]:
    return pipeline.sent, pipeline.dropped


def test_spans_arrive_and_their_documents_are_counted(collector: SpanCollector) -> None:
    pipeline = Pipeline(Endpoint(collector.url, None))
    for _unused in range(3):
        pipeline.put(segment_spans(parts=2))
    eventually(lambda: told(pipeline) == (3, 0))
    pipeline.shutdown()

    assert len(collector.spans) == 9
    headers = collector.requests[0][0]
    assert headers["content-type"] == "application/x-protobuf"
    assert "authorization" not in headers


def test_closing_sends_what_is_queued_and_a_later_span_begins_anew(
    collector: SpanCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    pipeline = Pipeline(Endpoint(collector.url, None))
    for expected in (1, 2):
        pipeline.put(segment_spans())
        pipeline.shutdown()
        assert (told(pipeline), len(collector.spans)) == ((expected, 0), expected)


def test_queue_is_bounded_and_what_has_no_room_is_dropped_whole(collector: SpanCollector) -> None:
    collector.answer.clear()
    pipeline = Pipeline(Endpoint(collector.url, None), queue_spans=5)
    began = time.monotonic()
    for _unused in range(10):
        pipeline.put(segment_spans(parts=1))
    assert time.monotonic() - began < 5
    assert pipeline.dropped == 8
    collector.answer.set()
    eventually(lambda: told(pipeline) == (2, 8))
    pipeline.put(segment_spans(parts=4))
    eventually(lambda: told(pipeline) == (3, 8))
    pipeline.shutdown()
    assert len(collector.spans) == 9


def test_batch_of_long_stacks_is_sent_in_requests_that_xray_takes(
    collector: SpanCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    pipeline = Pipeline(Endpoint(collector.url, None))
    times = {"start_time": time.time(), "end_time": time.time()}
    cause = {"exceptions": [{"type": "OSError", "message": "x" * 20_000}]}
    for _unused in range(400):
        pipeline.put(spans_of({"id": new_id(), "trace_id": new_trace_id(), "name": "a", "cause": cause, **times}, SHOP))
    pipeline.shutdown()
    assert (told(pipeline), len(collector.spans)) == ((400, 0), 400)
    assert max(request.ByteSize() for _headers, request in collector.requests) < 5 * 1024**2


@pytest.mark.parametrize("status", [400, 403, 404])
def test_refused_batch_is_counted_as_dropped(collector: SpanCollector, status: int) -> None:
    collector.status = status
    pipeline = Pipeline(Endpoint(collector.url, None))
    pipeline.put(segment_spans(parts=1))
    eventually(lambda: told(pipeline) == (0, 1))
    pipeline.shutdown()


def test_spans_refused_out_of_a_batch_that_is_taken_count(collector: SpanCollector) -> None:
    collector.rejected = 1
    pipeline = Pipeline(Endpoint(collector.url, None))
    pipeline.put(segment_spans() + segment_spans())
    eventually(lambda: told(pipeline) == (1, 1))
    pipeline.shutdown()


def test_endpoint_that_is_gone_loses_what_was_sent_and_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    pipeline = Pipeline(Endpoint(f"http://127.0.0.1:{free_port()}/v1/traces", None))
    pipeline.put(segment_spans())
    began = time.monotonic()
    pipeline.shutdown()
    assert time.monotonic() - began < 20
    assert told(pipeline) == (0, 1)


def test_forked_process_has_a_way_of_its_own(collector: SpanCollector) -> None:
    pipeline = Pipeline(Endpoint(collector.url, None))
    pipeline.put(segment_spans())
    eventually(lambda: pipeline.sent == 1)
    child = os.fork()
    if child == 0:
        pipeline.put(segment_spans())
        pipeline.shutdown()
        os._exit(pipeline.sent)
    _child, status = os.waitpid(child, 0)
    pipeline.shutdown()
    assert (os.waitstatus_to_exitcode(status), len(collector.spans)) == (2, 2)


def may_send_spans(aws: Clients) -> dict[str, str]:
    """A user's keys."""
    aws.iam.create_user(UserName="tier")
    statement = {"Effect": "Allow", "Action": "xray:PutSpans", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.iam.put_user_policy(UserName="tier", PolicyName="spans", PolicyDocument=document)
    keys: dict[str, str] = aws.iam.create_access_key(UserName="tier")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"]}


def test_xrays_own_endpoint_takes_signed_spans(aws: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    search_transactions(aws)
    keys = may_send_spans(aws)
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    pipeline = Pipeline(endpoint_from(os.environ))
    spans = segment_spans(parts=1)
    pipeline.put(spans)
    pipeline.shutdown()
    assert told(pipeline) == (1, 0)
    assert spans_kept(spans) == 2

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    pipeline.put(segment_spans())
    pipeline.shutdown()
    assert told(pipeline) == (1, 1)


def spans_kept(spans: list[ReadableSpan]) -> int:
    """How many spans X-Ray has of the trace of these."""
    number = f"{spans[0].context.trace_id:032x}"
    root = {"aws_access_key_id": CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "any-secret-will-do"}
    clients = Clients(**root)
    xray, trace_id = clients.xray, f"1-{number[:8]}-{number[8:]}"
    now = time.time()
    retrieval = xray.start_trace_retrieval(TraceIds=[trace_id], StartTime=now - 60, EndTime=now + 60)
    listed: dict[str, Any] = {}

    def is_complete() -> bool:
        listed.update(xray.list_retrieved_traces(RetrievalToken=retrieval["RetrievalToken"], TraceFormat="OTEL"))
        return bool(listed["RetrievalStatus"] == "COMPLETE")

    eventually(is_complete)
    clients.close()
    return len(listed["Traces"][0]["Spans"])


def test_without_credentials_spans_are_dropped(collector: SpanCollector, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    pipeline = Pipeline(Endpoint(collector.url, "eu-west-1"))
    pipeline.put(segment_spans())
    pipeline.shutdown()
    assert (told(pipeline), collector.requests) == ((0, 1), [])
