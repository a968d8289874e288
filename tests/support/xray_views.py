"""Traces as filters see them, made of a few members of each segment; and filters with two groups."""

from __future__ import annotations

import json
from typing import Any

from localaws.xray.documents import Pool, parse
from localaws.xray.filters import Filters, Predicate
from localaws.xray.store import Trace
from localaws.xray.view import TraceView

NOW = 1_800_000_000.0
TRACE_ID = f"1-{int(NOW):08x}-{1:024x}"
GROUPS = {("name", "slow"): "responsetime > 3", ("arn", "arn:slow"): "responsetime > 3", ("name", "Default"): ""}


def compiled(expression: str) -> Predicate:
    """The predicate of an expression."""
    return Filters(lambda key, named: GROUPS.get((key, named))).compiled(expression)


def view(*documents: dict[str, Any]) -> TraceView:
    """A trace of these segments; ids and times are made up where they are not given."""
    trace = Trace(TRACE_ID, int(NOW))
    for number, document in enumerate(documents):
        complete = {"id": f"{number:016x}", "trace_id": TRACE_ID, "start_time": NOW, "end_time": NOW + 0.5, **document}
        trace.put(parse(json.dumps(complete), NOW, Pool())[2])
    return TraceView(trace)


def subsegment(number: int, name: str, seconds: float = 0.1, **members: Any) -> dict[str, Any]:
    """A subsegment that begins with its segment."""
    return {"id": f"{number:016x}", "name": name, "start_time": NOW, "end_time": NOW + seconds, **members}
