"""The trace header X-Amzn-Trace-Id: what comes in, what is passed on, what is answered."""

from __future__ import annotations

import re
from typing import NamedTuple

HEADER_NAME = "X-Amzn-Trace-Id"
ENVIRON_NAME = "HTTP_X_AMZN_TRACE_ID"

_ROOT, _PARENT = "1-[0-9a-f]{8}-[0-9a-f]{24}", "[0-9a-f]{16}"
_SHAPES = {"Root": re.compile(_ROOT), "Parent": re.compile(_PARENT), "Sampled": re.compile(r"[01?]")}
# What a tier that is traced passes on, read in one step.
_PASSED_ON = re.compile(f"Root=({_ROOT});Parent=({_PARENT});Sampled=([01])")


class TraceHeader(NamedTuple):
    """A header that was understood: the trace it belongs to, who calls, and what was decided."""

    root: str
    parent: str | None = None
    sampled: bool | None = None


def parse(text: str | None) -> TraceHeader | None:
    """Reads a header's text; None stands for one that is missing or malformed, which starts a new trace.

    Fields come in any order and unknown ones (Self, Lineage) are ignored; Root is required. `Sampled=?` leaves the
    decision to the receiver, as does no Sampled at all. Source: the X-Ray developer guide, "Tracing header".
    """
    if not text:
        return None
    usual = _PASSED_ON.fullmatch(text)
    if usual is not None:
        root, parent, sampled = usual.groups()
        return TraceHeader(root, parent, sampled == "1")
    fields = _fields(text)
    if fields is None or "Root" not in fields:
        return None
    decision = fields.get("Sampled", "?")
    return TraceHeader(fields["Root"], fields.get("Parent"), None if decision == "?" else decision == "1")


def passed_on(root: str, parent: str, sampled: bool) -> str:
    """The header of an outgoing call."""
    return f"Root={root};Parent={parent};Sampled=1" if sampled else f"Root={root};Parent={parent};Sampled=0"


def answered(root: str, sampled: bool) -> str:
    """The header of a response, by which a client can name the trace of its request."""
    return f"Root={root};Sampled=1" if sampled else f"Root={root};Sampled=0"


def _fields(text: str) -> dict[str, str] | None:
    """The known fields of a header; None where one is malformed or stands twice."""
    fields: dict[str, str] = {}
    for part in text.split(";"):
        name, _unused, value = part.strip().partition("=")
        shape = _SHAPES.get(name)
        if shape is None:
            continue
        if name in fields or shape.fullmatch(value) is None:
            return None
        fields[name] = value
    return fields
