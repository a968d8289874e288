"""A trace's segments of all tiers as one tree, with the time that each part of it spent itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
Span = tuple[float, float]


@dataclass
class Node:
    """A segment or subsegment in the tree. Times are epoch seconds; what has not ended takes no time."""

    part: Document
    depth: int
    children: list[Node] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """From its start to its end."""
        start = float(self.part["start_time"])
        return start, max(start, float(self.part.get("end_time", start)))

    @property
    def own(self) -> list[Span]:
        """The stretches of its time in which no child was at work."""
        return gaps(self.span, [child.span for child in self.children])


@dataclass(frozen=True)
class Sums:
    """Why own times add up: own = duration - uncovered + side_by_side + outside, all in seconds.

    `uncovered` lies between roots, where there are several. `side_by_side` is what is counted again since siblings were
    at work at once. `outside` is the time of parts in which the one above was not at work: it had answered already, or
    clocks differ.
    """

    own: float
    duration: float
    uncovered: float
    side_by_side: float
    outside: float


@dataclass(frozen=True)
class Tree:
    """All parts of a trace from the roots down, siblings in the order of their starts."""

    nodes: list[Node]
    span: Span
    sums: Sums


def join(segments: Sequence[Document]) -> Tree:
    """The tree of a trace: a segment lies under the subsegment that its parent_id names.

    A segment whose parent is not here is a root, and none is visited twice.
    """
    top = Node({}, -1)
    nodes = _walk(segments, top)
    spans = [node.span for node in nodes] or [(0.0, 0.0)]
    whole = min(start for start, _unused in spans), max(end for _unused, end in spans)
    return Tree(nodes, whole, _sums(whole, top, nodes))


def _walk(segments: Sequence[Document], top: Node) -> list[Node]:
    """Every node below `top`, depth first."""
    roots, below = _roots(segments)
    nodes: list[Node] = []
    waiting = [(part, top) for part in _latest_first(roots)]
    seen: set[str] = set()
    while waiting:
        part, parent = waiting.pop()
        if part["id"] in seen:
            continue
        seen.add(part["id"])
        node = Node(part, parent.depth + 1)
        parent.children.append(node)
        nodes.append(node)
        waiting += [(child, node) for child in _latest_first([*part.get("subsegments", ()), *below[part["id"]]])]
    return nodes


def _roots(segments: Sequence[Document]) -> tuple[Sequence[Document], Mapping[str, list[Document]]]:
    """The segments without a known parent, or all where they go round in a ring; the others by their parents' ids."""
    known = {part["id"] for part in _all_parts(segments)}
    below: dict[str, list[Document]] = defaultdict(list)
    roots: list[Document] = []
    for segment in segments:
        parent = str(segment.get("parent_id"))
        (below[parent] if parent in known else roots).append(segment)
    return roots or segments, below


def _all_parts(segments: Sequence[Document]) -> list[Document]:
    parts, waiting = [], list(segments)
    while waiting:
        part = waiting.pop()
        parts.append(part)
        waiting += part.get("subsegments", ())
    return parts


def _latest_first(parts: Sequence[Document]) -> list[Document]:
    return sorted(parts, key=lambda part: float(part["start_time"]))[::-1]


def _sums(whole: Span, top: Node, nodes: Sequence[Node]) -> Sums:
    side_by_side = outside = 0.0
    for node in (top, *nodes):
        span = whole if node is top else node.span
        children = [child.span for child in node.children]
        within = [clipped for child in children if (clipped := _clipped(child, span))]
        outside += length(children) - length(within)
        side_by_side += length(within) - length(merged(within))
    return Sums(
        own=sum(length(node.own) for node in nodes),
        duration=whole[1] - whole[0],
        uncovered=length(gaps(whole, [child.span for child in top.children])),
        side_by_side=side_by_side,
        outside=outside,
    )


def length(spans: Sequence[Span]) -> float:
    """The sum of the spans' lengths, in their unit."""
    return sum(end - start for start, end in spans)


def merged(spans: Sequence[Span]) -> list[Span]:
    """The time that any of the spans covers, as spans apart from each other."""
    apart: list[Span] = []
    for start, end in sorted(spans):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def gaps(within: Span, spans: Sequence[Span]) -> list[Span]:
    """The stretches of `within` that no span covers."""
    found: list[Span] = []
    position, last = within
    for start, end in merged(spans):
        if start > position:
            found.append((position, min(start, last)))
        position = max(position, end)
        if position >= last:
            return found
    if position < last:
        found.append((position, last))
    return found


def _clipped(span: Span, within: Span) -> Span | None:
    start, end = max(span[0], within[0]), min(span[1], within[1])
    return (start, end) if start < end else None
