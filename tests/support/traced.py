"""A request as the tracing library sees it, without a server around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tracing import Segment
from tracing.entities import UnsampledSegment, activate, deactivate

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@contextmanager
def traced_request(sampled: bool = True) -> Iterator[Segment]:
    """Runs a block in the segment of a request, which nobody sends."""
    segment = (Segment if sampled else UnsampledSegment)("shop", ROOT)
    token = activate(segment)
    try:
        yield segment
    finally:
        deactivate(token)
        segment.close()


def parts_of(document: dict[str, Any]) -> list[Any]:
    """The names of a document's subsegments, each with those of its own where it has some."""
    parts = [(part["name"], parts_of(part)) for part in document.get("subsegments", ())]
    return [(name, inner) if inner else name for name, inner in parts]
