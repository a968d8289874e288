"""X-Ray's sampling rules for spans that begin a trace outside any request, such as a job's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState

Decide = Callable[[str, str, str], tuple[bool, str | None]]
"""Host, method and path to whether to sample and the rule's name."""


class RulesSampler(Sampler):
    """Decides as for a request, by what the first attributes tell of one."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Mapping[str, Any] | None = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Samples or drops; the rule's name becomes an attribute."""
        told = attributes or {}
        sampled, rule = self._decide(
            str(told.get("server.address", "")),
            str(told.get("http.request.method", "")),
            str(told.get("url.path", "")),
        )
        if not sampled:
            return SamplingResult(Decision.DROP)
        return SamplingResult(Decision.RECORD_AND_SAMPLE, {"aws.xray.sampling_rule_name": rule} if rule else None)

    def get_description(self) -> str:
        return "RulesSampler"


def rules_sampler(decide: Decide) -> Sampler:
    """A parent's decision where there is a parent, X-Ray's rules where there is none."""
    return ParentBased(root=RulesSampler(decide))
