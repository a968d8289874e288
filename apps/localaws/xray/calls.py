"""The calls of one trace: every request from one node to another that its segments tell of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from localaws.xray.documents import Segment
from localaws.xray.parts import Node, outcome, remote_node, subsegments
from localaws.xray.view import TraceView

CLIENT: Final = "client"


class Call(NamedTuple):
    """A request from one node to another. Times are epoch seconds.

    `source` tells of it: the caller's subsegment, or the callee's segment where the caller tells nothing.
    `is_inferred` says that the callee served no segment of the trace.
    """

    caller: Node
    callee: Node
    start: float
    end: float
    flags: int
    source: dict[str, Any] | Segment
    is_inferred: bool


def calls(view: TraceView) -> Iterator[Call]:
    """The calls of a trace: of clients to its entries, of services to other services and to remote nodes.

    A call goes to the service whose segment names the subsegment as its parent, or else to a remote node. A segment
    whose parent is no remote call is timed by itself, as there is no call to time.
    """
    served = {segment.parent_id: segment for segment in view.segments if not segment.is_subsegment}
    parts = [(segment, _parts(segment)) for segment in view.segments]
    holders = {part["id"]: segment for segment, found in parts for part in found}
    holders |= {segment.id: segment for segment in view.segments}
    called: set[str] = set()
    for segment, found in parts:
        for part in found:
            if part.get("end_time") is not None and (remote := remote_node(part)) is not None:
                called.add(part["id"])
                yield _made(part, _owner(segment, holders), remote, served.get(part["id"]))
    for segment in view.segments:
        if not segment.is_subsegment and segment.end is not None:
            yield from _received(segment, segment.end, holders, called)


def _received(segment: Segment, end: float, holders: dict[str, Segment], called: set[str]) -> Iterator[Call]:
    if segment.parent_id is None:
        client = (segment.node[0], CLIENT)
        yield Call(client, segment.node, segment.start, end, segment.flags, segment, False)
    elif segment.parent_id in holders and segment.parent_id not in called:
        caller = _owner(holders[segment.parent_id], holders)
        yield Call(caller, segment.node, segment.start, end, segment.flags, segment, False)


def _made(part: dict[str, Any], owner: Node, remote: Node, served_by: Segment | None) -> Call:
    node = served_by.node if served_by else remote
    return Call(owner, node, part["start_time"], part["end_time"], outcome(part), part, served_by is None)


def _parts(segment: Segment) -> list[dict[str, Any]]:
    """The subsegments of a segment; of a subsegment that was sent apart, itself as well."""
    if not segment.is_subsegment and b'"subsegments"' not in segment.document:
        return []
    data = segment.data
    return [data, *subsegments(data)] if segment.is_subsegment else list(subsegments(data))


def _owner(segment: Segment, holders: dict[str, Segment]) -> Node:
    """The service of a segment; a subsegment that was sent apart has its parent's, as far as that is known."""
    visited: set[str] = set()
    while segment.is_subsegment and segment.parent_id in holders and segment.id not in visited:
        visited.add(segment.id)
        segment = holders[segment.parent_id]
    return segment.node
