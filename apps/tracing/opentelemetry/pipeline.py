"""The way of spans out of a process: a bounded queue, a thread that exports, counters of what became of documents."""

from __future__ import annotations

import logging
import multiprocessing.util
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from tracing.opentelemetry.endpoint import Endpoint
from tracing.opentelemetry.signing import SigV4
from tracing.opentelemetry.spans import DocumentSpan
from tracing.threads import run_in

logger = logging.getLogger(__name__)

QUEUE_SPANS = 8192
"""Four times OpenTelemetry's default: a request has several spans, and a busy process 1,000 requests a second."""
_BATCH_SPANS = 512
_DELAY_MS = 1000
_CLOSE_SECONDS = 3.0
_REQUEST_CHARACTERS = 3_000_000
"""X-Ray takes requests of 5 MB (CloudWatch user guide, "OTLP endpoints"), which a batch of long stacks would exceed."""
_SPAN_CHARACTERS = 500


class Pipeline(SpanProcessor):
    """Takes spans without waiting for anything.

    `sent` counts documents (segments, and subsegments sent apart) whose first span the endpoint took, `dropped` those
    known to be lost. What a process needs for it is made with its first span, and again in a process forked since.
    """

    def __init__(self, endpoint: Endpoint, queue_spans: int | None = None) -> None:
        self._endpoint = endpoint
        self._queue_spans = queue_spans or _number("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE_SPANS)
        self._lock = threading.Lock()
        self._batch: BatchSpanProcessor | None = None
        self._waiting = 0
        self.sent = 0
        self.dropped = 0
        begin_anew = weakref.WeakMethod(self._begin_anew)
        os.register_at_fork(after_in_child=lambda: (forked := begin_anew()) and forked())

    def start(self) -> None:
        """Makes in this process what the first span would have to wait for."""
        with self._lock:
            self._batch = self._batch or self._make_batch()

    def put(self, spans: Sequence[ReadableSpan]) -> None:
        """Queues spans that belong together, or drops all of them where there is no room for all."""
        with self._lock:
            if self._waiting + len(spans) > self._queue_spans:
                self.dropped += _documents(spans)
                return
            self._waiting += len(spans)
            batch = self._batch = self._batch or self._make_batch()
        for span in spans:
            batch.on_end(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Takes a span of OpenTelemetry's own making, such as code inside a request starts."""
        if span.context is not None and span.context.trace_flags.sampled:
            self.put((span,))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Exports what is queued, and waits for it."""
        batch = self._batch
        return batch is None or batch.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Exports what is queued, for some seconds at most, and ends the thread; a later span makes another."""
        with self._lock:
            batch, self._batch = self._batch, None
        if batch is None:
            return
        in_time = threading.Timer(_CLOSE_SECONDS, batch.span_exporter.shutdown)
        in_time.start()
        batch.shutdown()  # type: ignore[no-untyped-call]
        in_time.cancel()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._batch = None
        self._waiting = 0

    def _make_batch(self) -> BatchSpanProcessor:
        # Unlike atexit's, these functions are also called at the end of a process that multiprocessing has forked.
        multiprocessing.util.Finalize(self, _shut_down, (weakref.ref(self),), exitpriority=0)
        return run_in(
            None,  # its thread must not stay in the request that makes it
            BatchSpanProcessor,
            _Exporter(self._endpoint, self._count),
            max_queue_size=self._queue_spans,
            schedule_delay_millis=_number("OTEL_BSP_SCHEDULE_DELAY", _DELAY_MS),
            max_export_batch_size=min(self._queue_spans, _number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _BATCH_SPANS)),
        )

    def _count(self, spans: int, sent: int, dropped: int) -> None:
        with self._lock:
            self._waiting -= spans
            self.sent += sent
            self.dropped += dropped


class _Exporter(SpanExporter):
    """OpenTelemetry's exporter of OTLP over HTTP, which tells what became of each batch."""

    def __init__(self, endpoint: Endpoint, count: Callable[[int, int, int], None]) -> None:
        session = requests.Session()
        session.hooks["response"].append(self._look_at)
        if endpoint.region is not None:
            session.auth = SigV4(endpoint.region)
        self._exporter = OTLPSpanExporter(endpoint.url, session=session)
        self._count = count
        self._rejected = 0
        self._is_shut_down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch, in portions that X-Ray takes; each is sent again where that may help."""
        results = {self._export(portion) for portion in _portions(spans)}
        return SpanExportResult.FAILURE if SpanExportResult.FAILURE in results else SpanExportResult.SUCCESS

    def _export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends spans, and counts their documents as sent or dropped."""
        documents = _documents(spans)
        self._rejected = 0
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            lost = documents if result is SpanExportResult.FAILURE else min(documents, self._rejected)
            self._count(len(spans), documents - lost, lost)
        return result

    def shutdown(self) -> None:
        """Ends waiting and trying again; what comes later fails."""
        if not self._is_shut_down:
            self._is_shut_down = True
            self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _look_at(self, response: requests.Response, **_unused: object) -> None:
        """Notes how many spans of a batch an endpoint refused though it took the batch."""
        if not response.ok:
            logger.warning("spans are refused by %s: %s", response.url, _readable(response))
            return
        answer = ExportTraceServiceResponse()
        try:
            answer.ParseFromString(response.content)
        except DecodeError:  # a collector may answer with anything
            return
        self._rejected = answer.partial_success.rejected_spans
        if self._rejected:
            logger.warning("%d spans are refused: %s", self._rejected, answer.partial_success.error_message)


def _shut_down(pipeline: weakref.ref[Pipeline]) -> None:
    if (still := pipeline()) is not None:
        still.shutdown()


def _documents(spans: Sequence[ReadableSpan]) -> int:
    return sum(isinstance(span, DocumentSpan) for span in spans)


def _portions(spans: Sequence[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    """The spans in their order, as many at once as one request takes."""
    portion: list[ReadableSpan] = []
    characters = 0
    for span in spans:
        more = _characters(span)
        if portion and characters + more > _REQUEST_CHARACTERS:
            yield portion
            portion, characters = [], 0
        portion.append(span)
        characters += more
    if portion:
        yield portion


def _characters(span: ReadableSpan) -> int:
    """About what a span takes: its texts, and something for all else."""
    told = [span.attributes, *(event.attributes for event in span.events)]
    texts = (value for attributes in told for value in (attributes or {}).values() if isinstance(value, str))
    return _SPAN_CHARACTERS + sum(map(len, texts))


def _readable(response: requests.Response) -> str:
    """An error's text out of its google.rpc.Status, whose bytes of field numbers and lengths are left out."""
    return "".join(filter(str.isprintable, response.content[:1000].decode("utf-8", "ignore")))


def _number(variable: str, default: int) -> int:
    """A positive number out of the environment; like OpenTelemetry's SDK, the default where there is none."""
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() and int(text) else default
