"""One trace as summaries and filters see it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from localaws.xray.documents import Segment
from localaws.xray.parts import Http, Node
from localaws.xray.store import Trace


class TraceView:
    """A trace at one moment. Its root is the segment without a parent, or else the first that began."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.segments = trace.segments

    @cached_property
    def root(self) -> Segment:
        """The segment at which the trace entered."""
        return min(self.segments, key=lambda segment: (segment.parent_id is not None, segment.start))

    @property
    def is_partial(self) -> bool:
        """Whether some segment is still in progress."""
        return any(segment.end is None for segment in self.segments)

    @cached_property
    def duration_seconds(self) -> float | None:
        """From the root's start to the end of the segment that ended last, in milliseconds' steps as X-Ray has them.

        None while none has ended.
        """
        ends = [segment.end for segment in self.segments if segment.end is not None]
        return round(max(ends) - self.root.start, 3) if ends else None

    @cached_property
    def response_time_seconds(self) -> float | None:
        """From the root's start to its end, in milliseconds' steps; None while it is in progress."""
        return None if self.root.end is None else round(self.root.end - self.root.start, 3)

    @cached_property
    def services(self) -> tuple[Node, ...]:
        """Every node of the trace, once: services, then the remote ones that are not themselves services of it."""
        own = dict.fromkeys(segment.node for segment in self.segments if not segment.is_subsegment)
        names = {name for name, _unused in own}
        remote = (node for segment in self.segments for node in segment.remotes if node[0] not in names)
        return tuple(dict.fromkeys([*own, *remote]))

    @property
    def has_inferred(self) -> bool:
        """Whether services are known by calls to them alone."""
        own = {segment.node[0] for segment in self.segments if not segment.is_subsegment}
        return any(name not in own for segment in self.segments for name, _unused in segment.remotes)

    @cached_property
    def parsed(self) -> tuple[dict[str, Any], ...]:
        """The segments' documents."""
        return tuple(segment.data for segment in self.segments)

    @property
    def https(self) -> tuple[Http, ...]:
        """What each segment says of its request."""
        return tuple(segment.http for segment in self.segments if segment.http is not None)


def service_id(node: Node, account: str) -> dict[str, Any]:
    """A node as AWS's ServiceId."""
    name, kind = node
    described: dict[str, Any] = {"Name": name, "Names": [name], "AccountId": account}
    return described if kind is None else {**described, "Type": kind}
