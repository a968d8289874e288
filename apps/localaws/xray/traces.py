"""Whole traces as BatchGetTraces gives them: segments, with subsegments that were sent apart put back in place."""

from __future__ import annotations

from typing import Any

import orjson

from localaws.xray.parts import subsegments
from localaws.xray.store import Trace
from localaws.xray.view import TraceView


def whole_trace(trace: Trace) -> dict[str, Any]:
    """The member of BatchGetTraces' Traces for a trace."""
    view = TraceView(trace)
    members = {
        "Id": trace.id,
        "Duration": view.duration_seconds,
        "LimitExceeded": trace.limit_exceeded,
        "Segments": [{"Id": segment_id, "Document": document} for segment_id, document in documents(view)],
    }
    return {name: value for name, value in members.items() if value is not None}


def documents(view: TraceView) -> list[tuple[str, str]]:
    """The id and the document of each segment of a trace."""
    segments = view.segments
    if not any(segment.is_subsegment for segment in segments):
        return [(segment.id, segment.document.decode()) for segment in segments]
    parsed = {segment.id: orjson.loads(segment.document) for segment in segments}
    parts = dict(parsed)
    for document in parsed.values():
        parts.update((part["id"], part) for part in subsegments(document))
    for segment in segments:
        if segment.is_subsegment and segment.parent_id in parts:
            parts[segment.parent_id].setdefault("subsegments", []).append(parsed.pop(segment.id))
    return [(segment_id, orjson.dumps(document).decode()) for segment_id, document in parsed.items()]
