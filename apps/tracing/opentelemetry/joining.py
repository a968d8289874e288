"""Where OpenTelemetry's context and this one meet: each sees what the other has made current."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import SpanContext, Status, StatusCode

from tracing.entities import Entity
from tracing.opentelemetry.attributes import OWN_NAMESPACE
from tracing.opentelemetry.spans import EVENTS, NAME, span_context


class EntitySpan(trace.Span):
    """A segment or subsegment as OpenTelemetry's API sees a span; what is set on it goes into the document.

    Its end is the entity's, so `end` does nothing.
    """

    def __init__(self, entity: Entity) -> None:
        self._entity = entity

    def get_span_context(self) -> SpanContext:
        entity = self._entity
        return span_context(entity.segment.trace_id, entity.id, sampled=entity.segment.sampled)

    def is_recording(self) -> bool:
        return self._entity.segment.sampled

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        if self.is_recording():
            self._entity.add_metadata(OWN_NAMESPACE, dict(attributes))

    def set_attribute(self, key: str, value: Any) -> None:
        self.set_attributes({key: value})

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None) -> None:
        if self.is_recording():
            events = self._entity.document.setdefault(EVENTS, [])
            events.append((name, dict(attributes or {}), timestamp or time.time_ns()))

    def update_name(self, name: str) -> None:
        if self.is_recording():
            self._entity.document[NAME] = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        code = status.status_code if isinstance(status, Status) else status
        if self.is_recording() and code is StatusCode.ERROR:
            self._entity.document["fault"] = True

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        if self.is_recording():
            self._entity.record_exception(exception)
            self.set_attributes(attributes or {})

    def end(self, end_time: int | None = None) -> None:
        pass


def join(entity: Entity | None) -> Callable[[], None]:
    """Makes an entity OpenTelemetry's current span, or none; returns what undoes that."""
    before = get_current()
    span = trace.INVALID_SPAN if entity is None else EntitySpan(entity)
    attach(trace.set_span_in_context(span, before))
    return partial(_leave, before)


def _leave(before: Context) -> None:
    """Not by `detach`, which takes a token only in the context that it was made in: a generator's block may end in
    another."""
    attach(before)


def foreign_parent(trace_id: str) -> str | None:
    """The id of the span that code has started by OpenTelemetry's API and made current, where it is of this trace."""
    span = trace.get_current_span()
    if isinstance(span, EntitySpan):
        return None
    context = span.get_span_context()
    if not context.is_valid or trace.format_trace_id(context.trace_id) != trace_id[2:10] + trace_id[11:]:
        return None
    return trace.format_span_id(context.span_id)
