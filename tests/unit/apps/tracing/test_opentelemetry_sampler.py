"""Sampling of spans that code begins by OpenTelemetry's API."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, TraceFlags
from tracing.opentelemetry.sampler import rules_sampler
from tracing.opentelemetry.spans import span_context

TRACE = "1-65f0a1b2-0123456789abcdef01234567"


class Rules:
    """Rules that take all or nothing, and remember what they were asked."""

    def __init__(self, sampled: bool) -> None:
        self.sampled = sampled
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, host: str, method: str, path: str) -> tuple[bool, str | None]:
        self.asked.append((host, method, path))
        return self.sampled, "shop" if self.sampled else None


def started(rules: Rules, **options: object) -> Span:
    tracer = TracerProvider(rules_sampler(rules), shutdown_on_exit=False).get_tracer("test")
    return tracer.start_span("job", **options)  # type: ignore[arg-type]


def test_rules_decide_where_a_trace_begins() -> None:
    rules = Rules(sampled=True)
    span = started(rules, attributes={"server.address": "h", "http.request.method": "GET", "url.path": "/x"})

    assert span.is_recording()
    assert rules.asked == [("h", "GET", "/x")]
    assert not started(Rules(sampled=False)).is_recording()


def test_parents_decision_holds() -> None:
    for sampled in (False, True):
        parent = trace.NonRecordingSpan(span_context(TRACE, "a" * 16, sampled=sampled))
        rules = Rules(sampled=not sampled)
        span = started(rules, context=trace.set_span_in_context(parent))
        assert bool(span.get_span_context().trace_flags & TraceFlags.SAMPLED) is sampled
        assert rules.asked == []
