"""Holds the counts of a run against each other: load test, tiers, daemon, traces. Differences are explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Part = Mapping[str, Any]
FRONTEND, BACKEND = "ecommerce-frontend", "ecommerce-backend"
_MOST_ROUTES = 6
_SAMPLED = 0.9  # recorded / counted below which requests were left out on purpose


@dataclass(frozen=True)
class Row:
    """One count beside what the other counts of the run lead one to expect; None where it is not known."""

    what: str
    count: int | None
    expected: int | None
    explanation: str

    @property
    def difference(self) -> int | None:
        """count - expected, where both are known."""
        return None if self.count is None or self.expected is None else self.count - self.expected

    def as_dict(self) -> dict[str, Any]:
        """The row as run.json holds it."""
        row = asdict(self)
        explanation = row.pop("explanation")
        return row | {"difference": self.difference, "explanation": explanation}


@dataclass(frozen=True)
class Counts:
    """The numbers of one run that must fit together."""

    direct: int
    pages: int
    sent: int
    load_errors: int
    backend: int
    frontend: int
    page_calls: int
    segments: int | None
    segments_dropped: int
    daemon: Part | None
    page_differences: str
    traces: int
    traces_complete: bool

    @property
    def recorded_share(self) -> float | None:
        """The part of all counted requests for which a tier made a segment; None when unknown."""
        served = self.backend + self.frontend
        if self.segments is None or not served:
            return None
        return (self.segments + self.segments_dropped) / served

    @property
    def unseen(self) -> int:
        """Counted requests of which no segment was stored, as far as the counters tell."""
        stored = self.segments if self.daemon is None else int(self.daemon.get("sent") or 0)
        return 0 if stored is None else max(0, self.backend + self.frontend - stored)

    @property
    def sampled(self) -> bool:
        """True when a sampling rule or a switched-off tracer left requests out."""
        return self.recorded_share is not None and self.recorded_share < _SAMPLED


def reconcile(load: Part, counters: Part, traces: Part) -> list[Row]:
    """The table of counts, from the load generator to the stored traces."""
    counts = _counts(load, counters, traces)
    return [
        _load_row(counts),
        _frontend_row(counts),
        _backend_row(counts),
        _segments_row(counts),
        _received_row(counts),
        _stored_row(counts),
        _traces_row(counts),
    ]


def _counts(load: Part, counters: Part, traces: Part) -> Counts:
    pages = sum(route["requests"] for route in load["routes"] if route["tier"] == "frontend")
    segments = _segments(counters)
    return Counts(
        direct=sum(route["requests"] for route in load["routes"] if route["tier"] != "frontend"),
        pages=pages,
        sent=load["totals"]["requests"],
        load_errors=load["totals"]["errors"],
        backend=counters["backend"]["requests"],
        frontend=counters["frontend"]["requests"],
        page_calls=_edge_requests(traces, FRONTEND, BACKEND),
        segments=None if segments is None else _sum(segments, "_sent"),
        segments_dropped=0 if segments is None else _sum(segments, "_dropped"),
        daemon=counters.get("daemon"),
        page_differences=_route_differences(load, counters["frontend"].get("routes") or {}),
        traces=traces["count"],
        traces_complete=traces["complete"],
    )


def _segments(counters: Part) -> Part | None:
    """The tiers' segment counters, None where no tier counts any."""
    segments: Part = counters.get("segments") or {}
    return segments if any(count is not None for name, count in segments.items() if name.endswith("_sent")) else None


def _route_differences(load: Part, counted: Part) -> str:
    """Where the frontend's counts by route ("GET /path") differ from the load test's, in words; empty where nowhere."""
    differences: Counter[str] = Counter(counted)
    for route in load["routes"]:
        if route["tier"] == "frontend":
            differences[f"{route['method']} {route['name'].partition('?')[0]}"] -= route["requests"]
    words = [f"{route} {count:+,}" for route, count in sorted(differences.items()) if count]
    return ", ".join(words[:_MOST_ROUTES] + ["..."] * (len(words) > _MOST_ROUTES))


def _edge_requests(traces: Part, source: str, target: str) -> int:
    edges = (traces["service_graph"] or {"edges": []})["edges"]
    return sum(edge["requests"] for edge in edges if (edge["source"], edge["target"]) == (source, target))


def _sum(segments: Part, suffix: str) -> int:
    return sum(count or 0 for name, count in segments.items() if name.endswith(suffix))


def _load_row(counts: Counts) -> Row:
    split = f"{counts.direct:,} to the backend's API and {counts.pages:,} to storefront pages"
    return Row("requests sent by the load test", counts.sent, counts.direct + counts.pages, split)


def _frontend_row(counts: Counts) -> Row:
    agreement = "each page the load test asked for counts once"
    why = _served_difference(counts, counts.frontend - counts.pages, agreement)
    if counts.page_differences:
        why += f" (by route: {counts.page_differences})"
    return Row("requests counted by the frontend", counts.frontend, counts.pages, why)


def _backend_row(counts: Counts) -> Row:
    what = "requests counted by the backend"
    if counts.sampled or (counts.pages and not counts.page_calls):
        rest = counts.backend - counts.direct
        why = f"{counts.direct:,} direct; the other {rest:,} are calls of pages: only unsampled traces count them"
        return Row(what, counts.backend, None, why)
    expected = counts.direct + counts.page_calls
    sources = f"{counts.direct:,} direct + {counts.page_calls:,} calls made by pages (the service map's edge)"
    why = _served_difference(counts, counts.backend - expected, sources)
    if counts.unseen:
        why += f"; {counts.unseen:,} requests left no segment, so the map may miss calls"
    return Row(what, counts.backend, expected, why)


def _served_difference(counts: Counts, difference: int, agreement: str) -> str:
    if difference == 0:
        return agreement
    if difference > 0:
        return (
            f"{agreement}; {difference:,} more were served: after the load test stopped counting, or to other clients"
        )
    lost = f"{-difference:,} never arrived or were cut off: the load test reports {counts.load_errors:,} errors"
    return f"{agreement}; {lost}"


def _segments_row(counts: Counts) -> Row:
    what, served = "segments sent by both tiers", counts.backend + counts.frontend
    if counts.segments is None:
        return Row(what, None, None, "no tier counted segments: tracing is off, or the counters could not be read")
    if counts.sampled:
        share = f"{100 * (counts.recorded_share or 0):.1f} % of {served:,} requests were recorded"
        return Row(what, counts.segments, None, f"{share}; sampling left out the rest")
    why = f"one a request; {counts.segments_dropped:,} dropped before they were sent"
    unrecorded = served - counts.segments - counts.segments_dropped
    if unrecorded > 0:
        why += f"; {unrecorded:,} not recorded: a tier samples by its fallback rule until it has fetched the rules"
    return Row(what, counts.segments, served, why)


def _received_row(counts: Counts) -> Row:
    what = "segments received by the daemon"
    if counts.daemon is None:
        return Row(what, None, counts.segments, "no daemon was in between, or its counters could not be read")
    malformed = int(counts.daemon.get("malformed") or 0)
    why = f"UDP loses silently, so what is missing here was lost on the way; {malformed:,} malformed"
    return Row(what, int(counts.daemon.get("received") or 0), counts.segments, why)


def _stored_row(counts: Counts) -> Row:
    what = "segments stored by X-Ray"
    if counts.daemon is None:
        return Row(what, None, counts.segments, "no daemon was in between, or its counters could not be read")
    lost = ", ".join(f"{int(counts.daemon.get(name) or 0):,} {name}" for name in ("dropped", "rejected", "queued"))
    received = int(counts.daemon.get("received") or 0)
    return Row(what, int(counts.daemon.get("sent") or 0), received, f"the daemon's own account: {lost}")


def _traces_row(counts: Counts) -> Row:
    what, why = "traces stored", "each request of the load test begins one trace"
    if not counts.traces_complete:
        return Row(what, counts.traces, None, "the query ended before the count was complete: at least this many")
    if counts.sampled:
        return Row(what, counts.traces, None, f"{why} if it is recorded; the others were not sampled")
    difference = counts.traces - counts.sent
    if difference > 0:
        why += f"; {difference:,} more began outside it or after it stopped counting"
    if difference < 0:
        why += f"; {-difference:,} left none: see the segments above, and the load test's {counts.load_errors:,} errors"
    return Row(what, counts.traces, counts.sent, why)
