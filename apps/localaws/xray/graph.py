"""The service graph: who was called, by whom, how often, how fast and with what outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from localaws.xray.documents import ERROR, FAULT, THROTTLE, Node, Segment, outcome, remote_node, subsegments
from localaws.xray.moments import moment
from localaws.xray.view import TraceView

_CLIENT = "client"


@dataclass(slots=True)
class _Calls:
    """What is counted of a service or of an edge."""

    first: float = float("inf")
    last: float = float("-inf")
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    histogram: Counter[float] = field(default_factory=Counter)

    def add(self, start: float, end: float, flags: int) -> None:
        self.first, self.last = min(self.first, start), max(self.last, end)
        self.outcomes[_outcome_name(flags)] += 1
        self.seconds += end - start
        self.histogram[round(end - start, 3)] += 1

    def statistics(self) -> dict[str, Any]:
        counts = self.outcomes
        return {
            "OkCount": counts["ok"],
            "ErrorStatistics": {
                "ThrottleCount": counts["throttle"],
                "OtherCount": counts["error"],
                "TotalCount": counts["throttle"] + counts["error"],
            },
            "FaultStatistics": {"OtherCount": counts["fault"], "TotalCount": counts["fault"]},
            "TotalCount": counts.total(),
            "TotalResponseTime": round(self.seconds, 6),
        }

    def times(self) -> dict[str, Any]:
        return {"StartTime": moment(self.first), "EndTime": moment(self.last)}

    def response_times(self) -> list[dict[str, Any]]:
        return [{"Value": value, "Count": count} for value, count in sorted(self.histogram.items())]


@dataclass(frozen=True, slots=True)
class _Call:
    """A remote subsegment: a call from a service to what the subsegment names."""

    id: str
    caller: Node
    callee: Node
    start: float
    end: float
    flags: int


class ServiceGraph:
    """Gathers traces and tells the nodes and edges that X-Ray draws of them."""

    def __init__(self) -> None:
        self._nodes: defaultdict[Node, _Calls] = defaultdict(_Calls)
        self._edges: defaultdict[tuple[Node, Node], _Calls] = defaultdict(_Calls)
        self._roots: set[Node] = set()

    def add(self, view: TraceView) -> None:
        """Counts one trace: its segments, and its calls to services in it and to remote nodes."""
        served = [segment for segment in view.segments if not segment.is_subsegment]
        sent_apart = [segment for segment in view.segments if segment.is_subsegment]
        owners: dict[str, Node] = {}
        calls = [call for segment in [*served, *sent_apart] for call in _gather(segment, owners)]
        called = {segment.parent_id: segment.node for segment in served}
        for segment in served:
            self._serve(segment)
        for call in calls:
            self._call(call, called.get(call.id))
        self._join(served, owners, {call.id for call in calls})

    def services(self, account: str) -> list[dict[str, Any]]:
        """The members of GetServiceGraph's Services."""
        references = {node: index for index, node in enumerate(sorted(self._nodes, key=_sort_key))}
        return [self._service(node, references, account) for node in references]

    def _serve(self, segment: Segment) -> None:
        """A request that a service served; one without a parent came from the client."""
        if segment.end is None:
            self._nodes.setdefault(segment.node, _Calls(segment.start, segment.start))
            return
        request = (segment.start, segment.end, segment.flags)
        self._nodes[segment.node].add(*request)
        if segment.parent_id is None:
            self._roots.add(segment.node)
            client = (segment.node[0], _CLIENT)
            self._nodes[client].add(*request)
            self._edges[client, segment.node].add(*request)

    def _call(self, call: _Call, served_by: Node | None) -> None:
        """A call goes to the service whose segment names it as its parent, or else to a remote node."""
        request = (call.start, call.end, call.flags)
        callee = served_by or call.callee
        if served_by is None:
            self._nodes[callee].add(*request)
        self._edges[call.caller, callee].add(*request)

    def _join(self, served: Iterable[Segment], owners: dict[str, Node], remote_calls: set[str]) -> None:
        """Edges to segments whose parent is no remote call: timed by the callee, as there is no call to time."""
        for segment in served:
            caller = owners.get(segment.parent_id or "")
            if caller is not None and segment.end is not None and segment.parent_id not in remote_calls:
                self._edges[caller, segment.node].add(segment.start, segment.end, segment.flags)

    def _service(self, node: Node, references: dict[Node, int], account: str) -> dict[str, Any]:
        (name, kind), calls = node, self._nodes[node]
        service = {
            "ReferenceId": references[node],
            "Name": name,
            "Names": [name],
            "Root": node in self._roots,
            "AccountId": account,
            "Type": kind,
            "State": "unknown" if kind == _CLIENT else "active",
            **calls.times(),
            "Edges": [
                _edge(references[callee], made) for (caller, callee), made in self._edges.items() if caller == node
            ],
            "SummaryStatistics": calls.statistics(),
            "DurationHistogram": calls.response_times(),
            "ResponseTimeHistogram": calls.response_times(),
        }
        return {member: value for member, value in service.items() if value is not None}


def _edge(reference: int, calls: _Calls) -> dict[str, Any]:
    return {
        "ReferenceId": reference,
        **calls.times(),
        "SummaryStatistics": calls.statistics(),
        "ResponseTimeHistogram": calls.response_times(),
        "Aliases": [],
    }


def _sort_key(node: Node) -> tuple[str, str]:
    return node[0], node[1] or ""


def _outcome_name(flags: int) -> str:
    if flags & FAULT:
        return "fault"
    if flags & THROTTLE:
        return "throttle"
    return "error" if flags & ERROR else "ok"


def _gather(segment: Segment, owners: dict[str, Node]) -> Iterator[_Call]:
    """Notes which service a segment's parts belong to, and yields its calls.

    A subsegment that was sent apart belongs to its parent's service.
    """
    owner = owners.get(segment.parent_id or "", segment.node) if segment.is_subsegment else segment.node
    owners[segment.id] = owner
    if not segment.is_subsegment and b'"subsegments"' not in segment.document:
        return
    data = orjson.loads(segment.document)
    for part in (data, *subsegments(data)) if segment.is_subsegment else subsegments(data):
        owners[part["id"]] = owner
        node, end = remote_node(part), part.get("end_time")
        if node is not None and end is not None:
            yield _Call(part["id"], owner, node, part["start_time"], end, outcome(part))
