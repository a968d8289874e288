"""A trace as a waterfall: one row a segment or subsegment, and own times that add up to the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from report import formats
from report.charts import Tick, linear_scale
from report.trace_text import detail_of, exceptions_of, failure_of, kind_of, outcome_of, request_of, status_of
from report.trace_tree import Node, Span, Sums, Tree, join, length, merged

Document = Mapping[str, Any]
_LEAST_WIDTH_PERCENT = 0.15
_MOST_ROWS = 200
_MOST_TEXT_CHARACTERS = 100
_LEAST_TOLD_MS = 0.01


@dataclass(frozen=True)
class Stretch:
    """A piece of a bar, in percent of the time axis."""

    left_percent: float
    width_percent: float


@dataclass(frozen=True)
class WaterfallRow:
    """One part; `kind` is tier (a server's segment, the number of which is `tier`), remote (a call of it) or local.

    `own` is the part of the `whole` in which nothing below it was at work. `note` says where a call's own time went.
    """

    name: str
    kind: str
    tier: int
    depth: int
    start_ms: float
    duration_ms: float
    own_ms: float
    whole: Stretch
    own: list[Stretch]
    outcome: str
    status: int | None
    detail: str
    failure: str
    note: str
    in_progress: bool

    @property
    def is_cut(self) -> bool:
        """Whether the detail is longer than a row shows."""
        return len(self.detail) > _MOST_TEXT_CHARACTERS

    @property
    def shown(self) -> str:
        """The detail, or its beginning."""
        return self.detail[:_MOST_TEXT_CHARACTERS] + "…" if self.is_cut else self.detail


@dataclass(frozen=True)
class Waterfall:
    """One trace, its rows from the root down in the order of their starts."""

    trace_id: str
    title: str
    duration_ms: float
    own_ms: float
    status: int | None
    tiers: list[str]
    ticks: list[Tick]
    rows: list[WaterfallRow]
    rows_left_out: int
    sums: str

    @property
    def step_percent(self) -> float:
        """From one mark of the time axis to the next."""
        return self.ticks[1].percent if len(self.ticks) > 1 else 100.0

    @property
    def decimals(self) -> int:
        """How many decimals all of its times have, so that they can be added up."""
        return 3 if self.duration_ms < 10 else 2 if self.duration_ms < 100 else 1


def tiers_of(traces: Sequence[Document]) -> list[str]:
    """The names of all servers in the traces, in the order in which waterfalls number them."""
    return sorted({str(segment["name"]) for trace in traces for segment in trace["segments"]})


def build_waterfall(trace: Document, tiers: Sequence[str]) -> Waterfall:
    """Draws a trace of the record; `tiers` tells which colour each server has."""
    tree = join(trace["segments"])
    duration_ms = tree.sums.duration * 1000
    root = tree.nodes[0].part if tree.nodes else {}
    known = exceptions_of([node.part for node in tree.nodes])
    return Waterfall(
        trace_id=trace["id"],
        title=request_of(root) or root.get("name", "a trace without segments"),
        duration_ms=duration_ms,
        own_ms=tree.sums.own * 1000,
        status=status_of(root),
        tiers=list(dict.fromkeys(str(node.part["name"]) for node in tree.nodes if kind_of(node.part) == "tier")),
        ticks=_ticks(duration_ms),
        rows=[_row(node, tree, tiers, known) for node in tree.nodes[:_MOST_ROWS]],
        rows_left_out=max(len(tree.nodes) - _MOST_ROWS, 0),
        sums=_sums(tree.sums),
    )


def _ticks(duration_ms: float) -> list[Tick]:
    """Round marks of the time axis, of which the last is within it."""
    if duration_ms <= 0:
        return [Tick(0.0, "0 ms")]
    marks = [mark for mark in linear_scale([duration_ms], at_least=0.0, steps=5).ticks if mark <= duration_ms]
    return [Tick(100 * mark / duration_ms, f"{mark:,g} ms") for mark in marks]


def _row(node: Node, tree: Tree, tiers: Sequence[str], known: Mapping[str, Document]) -> WaterfallRow:
    part, own = node.part, node.own
    return WaterfallRow(
        name=part["name"],
        kind=kind_of(part),
        tier=tiers.index(part["name"]) if part["name"] in tiers else 0,
        depth=node.depth,
        start_ms=(node.span[0] - tree.span[0]) * 1000,
        duration_ms=length([node.span]) * 1000,
        own_ms=length(own) * 1000,
        whole=_stretch(node.span, tree.span),
        own=_stretches(own, tree.span),
        outcome=outcome_of(part),
        status=status_of(part),
        detail=detail_of(part),
        failure=failure_of(part, known),
        note=_note(node),
        in_progress="end_time" not in part,
    )


def _stretch(span: Span, whole: Span) -> Stretch:
    seconds = (whole[1] - whole[0]) or 1.0
    left = min(100 * (span[0] - whole[0]) / seconds, 100 - _LEAST_WIDTH_PERCENT)
    width = max(100 * (span[1] - span[0]) / seconds, _LEAST_WIDTH_PERCENT)
    return Stretch(left, min(width, 100.0 - left))


def _stretches(spans: Sequence[Span], whole: Span) -> list[Stretch]:
    """The spans, those joined between which no eye could see a gap."""
    least = (whole[1] - whole[0]) * _LEAST_WIDTH_PERCENT / 100
    near = merged([(start, end + least) for start, end in spans])
    return [_stretch((start, end - least), whole) for start, end in near]


def _note(node: Node) -> str:
    """Where the own time of an answered call went: to the server and its queue, and back."""
    servers = [child for child in node.children if kind_of(child.part) == "tier"]
    if kind_of(node.part) != "remote" or len(servers) != 1:
        return ""
    (start, end), (began, ended) = node.span, servers[0].span
    there, back = (began - start) * 1000, (end - ended) * 1000
    if there < 0 or back < 0:
        return "the server's clock is another"
    return f"{formats.milliseconds(there)} on the way there, {formats.milliseconds(back)} back"


def _sums(sums: Sums) -> str:
    """How the own times of all rows make up the trace's duration."""
    terms = [
        (sums.side_by_side, "and {} in which calls ran side by side"),
        (sums.outside, "and {} outside the time of the row above"),
        (-sums.uncovered, "less {} that no row covers"),
    ]
    told = [
        text.format(formats.milliseconds(abs(seconds * 1000)))
        for seconds, text in terms
        if abs(seconds * 1000) >= _LEAST_TOLD_MS
    ]
    return ", ".join([f"the trace's {formats.milliseconds(sums.duration * 1000)}", *told])
