"""Segments and subsegments that go out as OpenTelemetry spans, and the OpenTelemetry SDK set up for them."""

from __future__ import annotations

import logging
import os
from typing import ClassVar

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.environment_variables import OTEL_PROPAGATORS
from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tracing import header
from tracing.entities import Entity, Segment, Subsegment, UnsampledSegment
from tracing.opentelemetry.endpoint import Endpoint, endpoint_from
from tracing.opentelemetry.joining import foreign_parent, join
from tracing.opentelemetry.pipeline import Pipeline
from tracing.opentelemetry.sampler import Decide, rules_sampler
from tracing.opentelemetry.spans import service_resource, spans_of

logger = logging.getLogger(__name__)


class SpanSubsegment(Subsegment):
    """A subsegment whose parent may be a span that code started by OpenTelemetry's API."""

    __slots__ = ()

    def __init__(self, parent: Entity, name: str, namespace: str | None = None) -> None:
        super().__init__(parent, name, namespace)
        between = foreign_parent(self.segment.trace_id) if self.segment.sampled else None
        if between is not None:
            self.parent_id = self.document["parent_id"] = between

    def header(self) -> str:
        """The header of a call, made by the span that is current."""
        return _header(self, super().header())


class SpanSegment(Segment):
    """A segment that is OpenTelemetry's current span where it is current."""

    __slots__ = ()

    subsegment_class: ClassVar[type[Subsegment]] = SpanSubsegment
    join = staticmethod(join)

    def header(self) -> str:
        """The header of a call, made by the span that is current."""
        return _header(self, super().header())


class UnsampledSpanSegment(UnsampledSegment):
    """The same for a request that is not sampled."""

    __slots__ = ()

    join = staticmethod(join)


class OpenTelemetryExporter:
    """The way out for segments as spans; with `decide` for what begins a trace outside requests."""

    joins = True
    open = SpanSegment
    open_unsampled = UnsampledSpanSegment

    def __init__(self, service_name: str, endpoint: Endpoint | None, decide: Decide) -> None:
        self._resource = service_resource(service_name)
        self._pipeline = Pipeline(endpoint or endpoint_from(os.environ))
        self._untold = 0
        self.provider = TracerProvider(
            rules_sampler(decide), self._resource, shutdown_on_exit=False, id_generator=AwsXRayIdGenerator()
        )
        self.provider.add_span_processor(self._pipeline)

    @property
    def sent(self) -> int:
        """Documents whose first span the endpoint has taken since the process began."""
        return self._pipeline.sent

    @property
    def dropped(self) -> int:
        """Documents known to be lost: there was no room, or the endpoint refused them or could not be reached."""
        return self._pipeline.dropped + self._untold

    def start(self) -> None:
        """Begins to export, and lets code that asks OpenTelemetry's API for a tracer get this one."""
        self._pipeline.start()
        _offer(self.provider)

    def send(self, entity: Entity, /) -> None:
        """Queues the spans of a segment or subsegment that has ended."""
        try:
            self._pipeline.put(spans_of(entity.told(), self._resource))
        except Exception as error:  # noqa: BLE001 - code may put anything into a document; no request may fail by it
            self._untold += 1
            logger.warning("a segment of %s cannot be told as spans: %r", entity.segment.document.get("name"), error)

    def flush(self) -> None:
        """Exports what is queued, which may take seconds."""
        self._pipeline.force_flush()

    def close(self) -> None:
        """Exports what is queued, for some seconds at most."""
        self._pipeline.shutdown()


def _offer(provider: TracerProvider) -> None:
    """Makes a provider the process's, with X-Ray's propagator, unless there is one already."""
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    trace.set_tracer_provider(provider)
    if not os.environ.get(OTEL_PROPAGATORS):
        others = (TraceContextTextMapPropagator(), W3CBaggagePropagator())
        set_global_textmap(CompositePropagator([AwsXRayPropagator(), *others]))


def _header(entity: Entity, own: str) -> str:
    segment = entity.segment
    between = foreign_parent(segment.trace_id) if segment.sampled else None
    return own if between is None else header.passed_on(segment.trace_id, between, True)
