"""The calls of one trace: every request from one node to another that its segments tell of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from localaws.xray.documents import Node, Segment, outcome, remote_node, subsegments
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
    owners: dict[str, Node] = {}
    called: set[str] = set()
    # Subsegments sent apart come last: they belong to the owner of their parent.
    for segment in sorted(view.segments, key=lambda segment: segment.is_subsegment):
        for part, owner, remote in _remote_parts(segment, owners):
            called.add(part["id"])
            yield _made(part, owner, remote, served.get(part["id"]))
    for segment in view.segments:
        if not segment.is_subsegment and segment.end is not None:
            yield from _received(segment, segment.end, owners, called)


def _received(segment: Segment, end: float, owners: dict[str, Node], called: set[str]) -> Iterator[Call]:
    if segment.parent_id is None:
        client = (segment.node[0], CLIENT)
        yield Call(client, segment.node, segment.start, end, segment.flags, segment, False)
    elif segment.parent_id in owners and segment.parent_id not in called:
        caller = owners[segment.parent_id]
        yield Call(caller, segment.node, segment.start, end, segment.flags, segment, False)


def _made(part: dict[str, Any], owner: Node, remote: Node, served_by: Segment | None) -> Call:
    node = served_by.node if served_by else remote
    return Call(owner, node, part["start_time"], part["end_time"], outcome(part), part, served_by is None)


def _remote_parts(segment: Segment, owners: dict[str, Node]) -> Iterator[tuple[dict[str, Any], Node, Node]]:
    """Notes which service a segment's parts belong to, and yields those that left the process and have ended.

    Each comes with the service and with the remote node that X-Ray infers from it.
    """
    owner = owners.get(segment.parent_id or "", segment.node) if segment.is_subsegment else segment.node
    owners[segment.id] = owner
    if not segment.is_subsegment and b'"subsegments"' not in segment.document:
        return
    data = segment.data
    for part in (data, *subsegments(data)) if segment.is_subsegment else subsegments(data):
        owners[part["id"]] = owner
        if part.get("end_time") is not None and (remote := remote_node(part)) is not None:
            yield part, owner, remote
