"""Outgoing HTTP calls: a subsegment each, and the header by which the other side joins the trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracing.entities import Subsegment, current, subsegment
from tracing.header import HEADER_NAME

REMOTE = "remote"


class Outgoing(dict[str, str]):
    """The headers to send with a call; `answered` notes what came back."""

    def __init__(self, headers: dict[str, str], part: Subsegment | None = None) -> None:
        super().__init__(headers)
        self._part = part

    def answered(self, status: int, content_length: int | None = None) -> None:
        """Notes the response: its status and the bytes of its body."""
        if self._part is not None:
            note_response(self._part.document, status, content_length)


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


def note_response(document: dict[str, object], status: int, content_length: int | None) -> None:
    """Writes a response into a document with its flags: error for 4xx, throttle for 429 as well, fault for 5xx.

    Source: X-Ray segment documents, "HTTP request data".
    """
    response: dict[str, int] = {"status": status}
    if content_length is not None:
        response["content_length"] = content_length
    http = document.setdefault("http", {})
    if isinstance(http, dict):
        http["response"] = response
    if status >= 500:
        document["fault"] = True
    elif status >= 400:
        document["error"] = True
        if status == 429:
            document["throttle"] = True
