"""The service graph: who was called, by whom, how often, how fast and with what outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from localaws.xray.calls import CLIENT, Call, calls
from localaws.xray.documents import Segment
from localaws.xray.moments import moment
from localaws.xray.parts import ERROR, FAULT, THROTTLE, Node
from localaws.xray.view import TraceView


@dataclass(slots=True)
class Requests:
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
        """The members of AWS's EdgeStatistics and ServiceStatistics."""
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
        """AWS's Histogram of the response times, in seconds to the millisecond."""
        return [{"Value": value, "Count": count} for value, count in sorted(self.histogram.items())]


class ServiceGraph:
    """Gathers traces and tells the nodes and edges that X-Ray draws of them."""

    def __init__(self) -> None:
        self._nodes: defaultdict[Node, Requests] = defaultdict(Requests)
        self._edges: defaultdict[Node, defaultdict[Node, Requests]] = defaultdict(lambda: defaultdict(Requests))
        self._roots: set[Node] = set()

    def add(self, view: TraceView) -> None:
        """Counts one trace: its segments, and its calls to services in it and to remote nodes."""
        for segment in view.segments:
            if not segment.is_subsegment:
                self._serve(segment)
        for call in calls(view):
            self._call(call)

    def services(self, account: str) -> list[dict[str, Any]]:
        """The members of GetServiceGraph's Services."""
        references = {node: index for index, node in enumerate(sorted(self._nodes, key=_sort_key))}
        return [self._service(node, references, account) for node in references]

    def _serve(self, segment: Segment) -> None:
        """A request that a service served; one without a parent makes the service a root."""
        if segment.end is None:
            self._nodes.setdefault(segment.node, Requests(segment.start, segment.start))
            return
        self._nodes[segment.node].add(segment.start, segment.end, segment.flags)
        if segment.parent_id is None:
            self._roots.add(segment.node)

    def _call(self, call: Call) -> None:
        """A request on an edge; nodes that tell nothing themselves are counted by it."""
        request = (call.start, call.end, call.flags)
        if call.caller[1] == CLIENT:
            self._nodes[call.caller].add(*request)
        if call.is_inferred:
            self._nodes[call.callee].add(*request)
        self._edges[call.caller][call.callee].add(*request)

    def _service(self, node: Node, references: dict[Node, int], account: str) -> dict[str, Any]:
        (name, kind), requests = node, self._nodes[node]
        service = {
            "ReferenceId": references[node],
            "Name": name,
            "Names": [name],
            "Root": node in self._roots,
            "AccountId": account,
            "Type": kind,
            "State": "unknown" if kind == CLIENT else "active",
            **requests.times(),
            "Edges": [_edge(references[callee], made) for callee, made in self._edges.get(node, {}).items()],
            "SummaryStatistics": requests.statistics(),
            "DurationHistogram": requests.response_times(),
            "ResponseTimeHistogram": requests.response_times(),
        }
        return {member: value for member, value in service.items() if value is not None}


def _edge(reference: int, requests: Requests) -> dict[str, Any]:
    return {
        "ReferenceId": reference,
        **requests.times(),
        "SummaryStatistics": requests.statistics(),
        "ResponseTimeHistogram": requests.response_times(),
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
