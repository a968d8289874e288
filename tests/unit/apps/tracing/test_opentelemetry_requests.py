"""Requests traced by OpenTelemetry: the contract of the header, what arrives, and how other code's spans join."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context, copy_context
from typing import Any

import pytest
import tracing.httpclient
import tracing.threads
from aws_xray_sdk.core import xray_recorder
from opentelemetry import trace
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.trace import StatusCode
from support.span_collector import SpanCollector, attributes, span_collector
from tracing import Tracing, TracingSettings, annotate, current, subsegment
from tracing.entities import activate, deactivate
from tracing.http import outgoing, traced_headers
from tracing.opentelemetry.endpoint import Endpoint
from tracing.opentelemetry.exporter import OpenTelemetryExporter
from tracing.sampling import Decision
from tracing.wsgi import TracedApplication

ROOT, PARENT = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
SAMPLED, NOT_SAMPLED = (f"Root={ROOT};Parent={PARENT};Sampled={flag}" for flag in (1, 0))
NUMBER = int(ROOT[2:10] + ROOT[11:], 16)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Rules:
    """Rules that take a request, or none."""

    def __init__(self) -> None:
        self.sampled = True

    def start(self, wait_seconds: float = 0.0) -> None:
        pass

    def stop(self) -> None:
        pass

    def decide(self, service: str, host: str, method: str, path: str) -> Decision:
        return Decision(self.sampled, "shop")


class Shop:
    """A traced application whose spans arrive in a collector."""

    def __init__(self, collector: SpanCollector) -> None:
        self.collector = collector
        self.rules = Rules()
        endpoint = Endpoint(collector.url, None)
        self.exporter = OpenTelemetryExporter("shop", endpoint, lambda *request: self.rules.decide("shop", *request))
        settings = TracingSettings("shop", "opentelemetry", trust_incoming_sampled=True, endpoint=endpoint)
        self.tracing = Tracing(settings, self.exporter, self.rules)
        self.tracer = self.exporter.provider.get_tracer("other code")

    def get(self, handle: Callable[[], Any], header: str | None = SAMPLED, status: str = "200 OK") -> str:
        """Serves one request by calling `handle`; returns the answer's trace header."""
        answered: list[str] = []

        def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            start_response(status, [])
            handle()
            yield b"done"

        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/p/1", "HTTP_HOST": "shop", "tracing.route": "/p/<id>"}
        if header is not None:
            environ["HTTP_X_AMZN_TRACE_ID"] = header
        body = TracedApplication(application, self.tracing)(
            environ, lambda _status, headers: answered.append(dict(headers)["X-Amzn-Trace-Id"])
        )
        for _chunk in body:
            pass
        return answered[0]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with span_collector() as collector:
        made = Shop(collector)
        yield made
        made.tracing.stop()


def work() -> None:
    annotate("currency", "EUR")
    with subsegment("price"), outgoing("ecommerce-backend", "GET", "http://b/x?q=1") as headers:
        headers.answered(404)


def test_request_and_its_parts_arrive_as_one_trace(shop: Shop) -> None:
    assert shop.get(work) == f"Root={ROOT};Sampled=1"
    spans = shop.collector.wait_for(3)
    request, price, call = (spans[name] for name in ("GET /p/<id>", "price", "ecommerce-backend"))

    assert {int.from_bytes(span.trace_id, "big") for span in spans.values()} == {NUMBER}
    assert (request.parent_span_id.hex(), price.parent_span_id) == (PARENT, request.span_id)
    assert call.parent_span_id == price.span_id
    told = attributes(request)
    assert told["currency"] == "EUR"
    assert set(told["aws.xray.annotations"]) == {"currency", "http_method", "http_url", "http_status", "http_route"}
    assert (attributes(call)["url.full"], attributes(call)["http.response.status_code"]) == ("http://b/x", 404)
    shop.tracing.stop()
    assert (shop.tracing.sent, shop.tracing.dropped) == (1, 0)


@pytest.mark.parametrize("header", [None, "", "Root=1-x", "Root=1;Root=2", "\x00", f"Root={ROOT};Sampled=7"])
def test_malformed_header_begins_a_trace(shop: Shop, header: str | None) -> None:
    answer = shop.get(lambda: None, header)
    (span,) = shop.collector.wait_for(1).values()
    number = span.trace_id.hex()
    assert answer == f"Root=1-{number[:8]}-{number[8:]};Sampled=1"
    assert (answer.startswith(f"Root={ROOT}"), span.parent_span_id) == (False, b"")
    assert attributes(span)["aws.xray.sampling_rule_name"] == "shop"


def test_what_is_not_sampled_is_not_sent_and_told_to_others(shop: Shop) -> None:
    told: list[dict[str, str]] = []

    def handle() -> None:
        told.append(traced_headers())
        with shop.tracer.start_as_current_span("theirs") as span:
            assert not span.is_recording()
        trace.get_current_span().set_attribute("nowhere", 1)

    assert shop.get(handle, NOT_SAMPLED) == f"Root={ROOT};Sampled=0"
    assert told[0]["X-Amzn-Trace-Id"].endswith(";Sampled=0")
    shop.tracing.stop()
    assert (shop.collector.spans, shop.tracing.sent) == ([], 0)


def test_request_that_fails_is_kept_though_it_is_not_sampled(shop: Shop) -> None:
    def fail() -> None:
        raise LookupError("no such lamp")

    with pytest.raises(LookupError):
        shop.get(fail, NOT_SAMPLED)
    (span,) = shop.collector.wait_for(1).values()
    assert attributes(span)["tracing_kept"] == "fault"
    assert attributes(span.events[0])["exception.type"] == "LookupError"
    assert "in fail" in attributes(span.events[0])["exception.stacktrace"]


def test_span_of_other_code_joins_and_our_parts_join_it(shop: Shop) -> None:
    headers: list[str] = []

    def handle() -> None:
        with shop.tracer.start_as_current_span("theirs"):
            headers.append(traced_headers()["X-Amzn-Trace-Id"])
            entity = current()
            assert entity is not None
            entity.child("redis", "remote").close()
            with subsegment("ours"), shop.tracer.start_as_current_span("inner"):
                pass

    shop.get(handle)
    spans = shop.collector.wait_for(5)
    request, theirs, redis, ours, inner = (spans[name] for name in ("GET /p/<id>", "theirs", "redis", "ours", "inner"))
    assert theirs.parent_span_id == request.span_id
    assert redis.parent_span_id == ours.parent_span_id == theirs.span_id
    assert inner.parent_span_id == ours.span_id
    assert headers == [f"Root={ROOT};Parent={theirs.span_id.hex()};Sampled=1"]


def test_what_is_set_on_the_current_span_is_sent(shop: Shop) -> None:
    def handle() -> None:
        span = trace.get_current_span()
        assert span.is_recording()
        span.set_attribute("app.tier", "gold")
        span.set_attributes({"app.seats": 2})
        span.add_event("retried", {"attempt": 2})
        span.update_name("checkout")
        span.set_status(StatusCode.ERROR)
        span.record_exception(ValueError("handled"), {"handled": True})
        span.end()

    shop.get(handle)
    span = shop.collector.wait_for(1)["checkout"]
    told = attributes(span)
    assert (told["app.tier"], told["app.seats"], told["handled"]) == ("gold", 2, True)
    assert [event.name for event in span.events] == ["exception", "retried"]
    assert span.status.code == StatusCode.ERROR.value


def test_context_of_opentelemetry_is_left_as_it_was(shop: Shop) -> None:
    with shop.tracer.start_as_current_span("outside") as outside:
        shop.get(work)
        assert trace.get_current_span() is outside
    assert current() is None


def test_export_is_not_traced_where_threads_and_calls_are(shop: Shop) -> None:
    tracing.threads.instrument()
    tracing.httpclient.instrument()
    try:
        shop.get(lambda: shop.tracer.start_span("theirs").end())
        shop.collector.wait_for(2)
        shop.get(lambda: None)
        assert set(shop.collector.wait_for(3)) == {"GET /p/<id>", "theirs"}
        shop.tracing.stop()
        assert (shop.tracing.sent, shop.tracing.dropped) == (2, 0)
    finally:
        tracing.httpclient.uninstrument()
        tracing.threads.uninstrument()


def test_sdks_recorder_works_on_spans_as_on_segments(shop: Shop) -> None:
    def handle() -> None:
        xray_recorder.put_annotation("basket", 3)
        with xray_recorder.in_subsegment("price") as part:
            part.put_annotation("currency", "EUR")
            assert trace.get_current_span().get_span_context().span_id == int(part.id, 16)
            with subsegment("inner"):
                pass

    with xray_recorder.in_segment("worker", sampling=1), xray_recorder.in_subsegment("step"):
        pass
    assert not trace.get_current_span().get_span_context().is_valid
    shop.get(handle)
    spans = shop.collector.wait_for(5)
    request, price, inner, worker, step = (spans[name] for name in ("GET /p/<id>", "price", "inner", "worker", "step"))
    assert (price.parent_span_id, inner.parent_span_id) == (request.span_id, price.span_id)
    assert (attributes(request)["basket"], attributes(price)["currency"]) == (3, "EUR")
    assert (step.parent_span_id, step.trace_id) == (worker.span_id, worker.trace_id)


def test_nothing_is_current_for_either_where_none_is_made_so(shop: Shop) -> None:
    def handle() -> None:
        activation = activate(None)
        assert not trace.get_current_span().get_span_context().is_valid
        deactivate(activation)
        assert trace.get_current_span().get_span_context().trace_id == NUMBER

    shop.get(handle)


def test_body_read_in_contexts_of_their_own_leaves_none_of_them_joined(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        with subsegment("stream"):
            yield b"one"
            yield b"two"

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_AMZN_TRACE_ID": SAMPLED}
    body = iter(TracedApplication(application, shop.tracing)(environ, lambda *_unused: None))
    context: Context | None = None
    for context in (copy_context() for _unused in range(3)):
        context.run(next, body, None)
    assert context is not None
    assert context.run(current) is None
    assert not context.run(trace.get_current_span).get_span_context().is_valid
    assert shop.collector.wait_for(2).keys() == {"GET", "stream"}
    assert caplog.text == ""


def test_propagator_of_xray_passes_our_span_on(shop: Shop) -> None:
    carried: dict[str, str] = {}
    shop.get(lambda: AwsXRayPropagator().inject(carried))
    (span,) = shop.collector.wait_for(1).values()
    assert carried["X-Amzn-Trace-Id"] == f"Root={ROOT};Parent={span.span_id.hex()};Sampled=1"


def test_document_that_cannot_be_told_is_counted_and_fails_no_request(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        entity = shop.exporter.open("shop", ROOT, None)
        entity.document["subsegments"] = [None]
        entity.close()
        shop.exporter.send(entity)
    assert shop.tracing.dropped == 1
    assert "cannot be told as spans" in caplog.text
