"""A trace as a waterfall: segments of all tiers joined into one tree, one row a segment or subsegment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Document = Mapping[str, Any]
_LEAST_WIDTH_PERCENT = 0.15
_MOST_ROWS = 200


@dataclass(frozen=True)
class WaterfallRow:
    """One bar; `kind` is tier (a server's segment, the number of which is `tier`), remote (a call of it) or local."""

    name: str
    kind: str
    tier: int
    depth: int
    start_ms: float
    duration_ms: float
    left_percent: float
    width_percent: float
    status: str
    detail: str
    in_progress: bool


@dataclass(frozen=True)
class Waterfall:
    """One trace, its rows from the root down in the order of their starts."""

    trace_id: str
    title: str
    duration_ms: float
    status: int | None
    tiers: list[str]
    rows: list[WaterfallRow]
    rows_left_out: int


def tiers_of(traces: Sequence[Document]) -> list[str]:
    """The names of all servers in the traces, in the order in which waterfalls number them."""
    return sorted({str(segment["name"]) for trace in traces for segment in trace["segments"]})


def build_waterfall(trace: Document, tiers: Sequence[str]) -> Waterfall:
    """Joins a trace's segment documents: a segment lies under the subsegment that its parent_id names."""
    ordered = list(_walk(trace["segments"]))
    spans = [(_start(part), _end(part)) for part, _unused in ordered] or [(0.0, 0.0)]
    first, last = min(start for start, _unused in spans), max(end for _unused, end in spans)
    rows = [_row(part, depth, (first, last), tiers) for part, depth in ordered[:_MOST_ROWS]]
    root = ordered[0][0] if ordered else {}
    return Waterfall(
        trace_id=trace["id"],
        title=_title(root),
        duration_ms=(last - first) * 1000,
        status=_inside(root, "http", "response").get("status"),
        tiers=list(dict.fromkeys(str(segment["name"]) for segment in sorted(trace["segments"], key=_start))),
        rows=rows,
        rows_left_out=len(ordered) - len(rows),
    )


def _walk(segments: Sequence[Document]) -> list[tuple[Document, int]]:
    """Depth first from the roots; a segment whose parent is not here is a root, and none is visited twice."""
    known = {part["id"] for part in _all_parts(segments)}
    children: dict[str, list[Document]] = defaultdict(list)
    roots: list[Document] = []
    for segment in segments:
        parent = str(segment.get("parent_id"))
        (children[parent] if parent in known else roots).append(segment)
    rows: list[tuple[Document, int]] = []
    waiting = [(part, 0) for part in _latest_first(roots or segments)]
    seen: set[str] = set()
    while waiting:
        part, depth = waiting.pop()
        if part["id"] in seen:
            continue
        seen.add(part["id"])
        rows.append((part, depth))
        below = [*part.get("subsegments", ()), *children[part["id"]]]
        waiting += [(child, depth + 1) for child in _latest_first(below)]
    return rows


def _all_parts(segments: Sequence[Document]) -> list[Document]:
    parts, waiting = [], list(segments)
    while waiting:
        part = waiting.pop()
        parts.append(part)
        waiting += part.get("subsegments", ())
    return parts


def _latest_first(parts: Sequence[Document]) -> list[Document]:
    return sorted(parts, key=_start)[::-1]


def _start(part: Document) -> float:
    return float(part["start_time"])


def _end(part: Document) -> float:
    return float(part.get("end_time", part["start_time"]))


def _row(part: Document, depth: int, span: tuple[float, float], tiers: Sequence[str]) -> WaterfallRow:
    first, last = span
    whole = (last - first) or 1.0
    left = 100 * (_start(part) - first) / whole
    width = max(100 * (_end(part) - _start(part)) / whole, _LEAST_WIDTH_PERCENT)
    return WaterfallRow(
        name=part["name"],
        kind=_kind(part),
        tier=tiers.index(part["name"]) if part["name"] in tiers else 0,
        depth=depth,
        start_ms=(_start(part) - first) * 1000,
        duration_ms=(_end(part) - _start(part)) * 1000,
        left_percent=min(left, 100 - _LEAST_WIDTH_PERCENT),
        width_percent=min(width, 100.0),
        status=next((status for status in ("fault", "throttle", "error") if part.get(status)), "ok"),
        detail=_detail(part),
        in_progress="end_time" not in part,
    )


def _kind(part: Document) -> str:
    if "trace_id" in part and part.get("type") != "subsegment":
        return "tier"
    return "remote" if part.get("namespace") in ("remote", "aws") else "local"


def _detail(part: Document) -> str:
    query = _inside(part, "sql").get("sanitized_query")
    if query:
        return str(query)
    request = _inside(part, "http", "request")
    return f"{request.get('method', '')} {_path(request.get('url', ''))}".strip()


def _inside(part: Document, *names: str) -> Document:
    """The object at these names, empty where a tier left it out."""
    for name in names:
        part = part.get(name) or {}
    return part


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path or url


def _title(root: Document) -> str:
    annotations, request = _inside(root, "annotations"), _inside(root, "http", "request")
    method = annotations.get("http_method") or request.get("method") or ""
    route = (
        annotations.get("http_route") or _path(request.get("url", "")) or root.get("name", "a trace without segments")
    )
    return f"{method} {route}".strip()
