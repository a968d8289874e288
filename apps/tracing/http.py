"""Outgoing HTTP calls: a subsegment each, and the header by which the other side joins the trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracing.entities import Subsegment, current
from tracing.header import HEADER_NAME
from tracing.requests import tell_response
from tracing.subsegments import subsegment

REMOTE = "remote"


class Outgoing(dict[str, str]):
    """The headers to send with a call; `answered` notes what came back."""

    def __init__(self, headers: dict[str, str], part: Subsegment | None = None) -> None:
        super().__init__(headers)
        self._part = part

    def answered(self, status: int, content_length: int | None = None) -> None:
        """Notes the response: its status and the bytes of its body."""
        if self._part is not None:
            tell_response(self._part.document, status, content_length)


def traced_headers() -> dict[str, str]:
    """The trace header for a call made by the current segment or subsegment; empty where there is none."""
    entity = current()
    return {} if entity is None else {HEADER_NAME: entity.header()}


@contextmanager
def outgoing(name: str, method: str, url: str) -> Iterator[Outgoing]:
    """Times an HTTP call to the service `name`; yields the headers to send. The URL's query is not recorded."""
    entity = current()
    if entity is None or not entity.segment.sampled:
        yield Outgoing(traced_headers())
        return
    with subsegment(name, REMOTE) as part:
        part.document["http"] = {"request": {"method": method, "url": url.partition("?")[0]}}
        yield Outgoing(traced_headers(), part)
