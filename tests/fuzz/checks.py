"""What must hold of every request, whatever it was and however it ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fuzz.documents import Document, judged
from fuzz.environs import Request
from fuzz.exchange import Event, without_answer_header
from fuzz.sites import Site

_ANSWERED = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24});Sampled=([01])")


@dataclass
class Served:
    """A request served bare and traced; what was counted for it and what arrived at the daemon's port."""

    request: Request
    site: Site
    bare: list[Event]
    traced: list[Event]
    sent: int
    dropped: int
    datagrams: list[bytes]
    all_arrives: bool = True

    @property
    def is_traced(self) -> bool:
        """Whether its path is one that gets a segment."""
        return not self.site.tracing.is_untraced(self.request.environ.get("PATH_INFO", ""))


def check(served: Served, counts: Counter[str]) -> Iterator[str]:
    """What does not hold."""
    counts["requests"] += 1
    if not served.is_traced:
        counts["requests untraced"] += 1
        if served.traced != served.bare or served.sent or served.dropped or served.datagrams:
            yield "an untraced request leaves a trace"
        return
    traced, answers = without_answer_header(served.traced)
    if traced != served.bare:
        yield f"the outcome differs: {_difference(served.bare, traced)}"
    yield from _answers(served, answers)
    yield from _counts(served, answers, counts)
    documents = []
    for datagram in served.datagrams:
        document, faults = judged(datagram)
        yield from faults
        documents.append(document)
    counts["datagrams"] += len(documents)
    yield from _documents(served, documents, answers)


def _difference(bare: list[Event], traced: list[Event]) -> str:
    pairs = [*zip(bare, traced, strict=False)]
    at = next((place for place, (one, other) in enumerate(pairs) if one != other), len(pairs))
    return f"bare {str(bare[at : at + 1])[:300]}, traced {str(traced[at : at + 1])[:300]}"


def _answers(served: Served, answers: list[str]) -> Iterator[str]:
    """The answer header is there once an answer, and tells the trace that came."""
    if len(answers) != sum(event[0] == "started" for event in served.traced):
        yield f"number of answer headers: {len(answers)}"
    request = served.request
    for value in answers:
        match = _ANSWERED.fullmatch(value)
        if match is None:
            yield f"the answer header: {value!r}"
        elif request.root is not None and match[1] != request.root:
            yield f"another trace is answered: {value} for {request.root}"
        elif served.site.trusts and request.sampled is not None and (match[2] == "1") != request.sampled:
            yield f"another decision is answered: {value} for {request.sampled}"


def _counts(served: Served, answers: list[str], counts: Counter[str]) -> Iterator[str]:
    """A sampled request is sent or dropped; a document is a segment, or a subsegment sent for itself."""
    counts["documents sent"] += served.sent
    counts["documents dropped"] += served.dropped
    handed = served.sent + served.dropped
    sampled = {value[-1] == "1" for value in answers}
    if True in sampled and handed == 0:
        yield "counted wrongly: neither sent nor dropped, though sampled"
    # A refusal tells of the datagram before, for which one that arrives is counted as dropped.
    if served.all_arrives and not served.sent <= len(served.datagrams) <= handed:
        yield f"lost: sent {served.sent}, dropped {served.dropped}, arrived {len(served.datagrams)}"
    counts["requests unsampled"] += handed == 0


def _documents(served: Served, documents: list[Document], answers: list[str]) -> Iterator[str]:
    """One segment, and it tells of this request."""
    segments = [document for document in documents if document.get("type") != "subsegment"]
    if len(segments) > 1 or (served.all_arrives and served.sent and len(segments) != 1):
        yield f"number of segments: {len(segments)}"
    status = _status(served.bare)
    for document in documents:
        if any(str(document.get("trace_id")) not in value for value in answers):
            yield f"another trace is told: {document.get('trace_id')} for {answers}"
    for document in segments:
        if served.request.root is not None and document.get("parent_id") != served.request.parent:
            yield f"another parent is told: {document.get('parent_id')} for {served.request.parent}"
        if status is not None and document.get("http", {}).get("response", {}).get("status") != status:
            yield f"another status is told: {document.get('http')} for {status}"


def _status(log: list[Event]) -> int | None:
    """The status that the client saw, where it is one of HTTP's; None where there was none or the call failed."""
    status = ""
    for event in log:
        if event[0] in ("sent", "written"):
            break
        if event[0] == "started":
            status = str(event[1])
    return int(status[:3]) if re.fullmatch(r"[1-5][0-9]{2} .*", status) else None
