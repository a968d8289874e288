"""What was served against what arrived: documents go out in their own time, and are matched by their traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fuzz.checks import Served, status_seen
from fuzz.documents import Document, judged
from fuzz.report import Report

_ROOT = slice(len("Root="), len("Root=1-5759e988-bd862e3fe1be46a994272793"))


@dataclass(frozen=True)
class Entry:
    """A request that was traced: what was decided (`sampled` is None where nobody told), and what a client saw."""

    number: int
    served: Served
    sampled: bool | None
    status: int | None


class Ledger:
    """The requests of a stretch, and the documents that arrived meanwhile."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._entries: dict[str, Entry] = {}
        self._before: set[str] = set()
        self._documents: dict[str, list[Document]] = defaultdict(list)
        self._nameless = 0
        self._number = 0
        self.arrived = 0

    def note(self, number: int, served: Served) -> bool:
        """Takes down a request; returns whether it must lead to a document."""
        counts, answers = self._report.counts, served.answers
        self._number = number
        counts["requests"] += 1
        if not served.is_traced:
            counts["requests untraced"] += 1
            return False
        told = served.request.sampled if served.site.trusts else None
        sampled = answers[-1].endswith("1") if answers else told
        counts["requests " + {True: "sampled", False: "unsampled", None: "decided in silence"}[sampled]] += 1
        root = answers[-1][_ROOT] if answers else served.request.root
        if root is None:
            self._nameless += 1
        else:
            self._entries[root] = Entry(number, served, sampled, status_seen(served.bare))
        return sampled is True

    def take(self, datagrams: Iterable[bytes]) -> None:
        """Judges documents as they arrive."""
        for datagram in datagrams:
            document, faults = judged(datagram)
            for fault in faults:
                self._report.find(self._number, fault)
            self._documents[str(document.get("trace_id"))].append(document)
            self._report.counts["documents arrived"] += 1
            self.arrived += 1

    def close(self, all_arrived: bool) -> None:
        """Compares, and begins anew; `all_arrived` says whether none can have been lost on the way."""
        for root, entry in self._entries.items():
            self._compare(entry, self._documents.pop(root, []), all_arrived and entry.served.site.goes_to_daemon)
        strange = [root for root in self._documents if root not in self._before]
        for root in strange[self._nameless :]:
            self._report.find(self._number, f"a trace that nobody asked for: {root}")
        self._before = set(self._entries)
        self._entries, self._nameless, self.arrived = {}, 0, 0
        self._documents.clear()

    def _compare(self, entry: Entry, documents: list[Document], all_arrived: bool) -> None:
        """Of a request there is one segment, and it tells of this request."""
        segments = [document for document in documents if document.get("type") != "subsegment"]
        if len(segments) > 1 or (all_arrived and entry.sampled and not segments):
            self._report.find(entry.number, f"number of segments: {len(segments)}")
        request = entry.served.request
        for segment in segments:
            if request.root is not None and segment.get("parent_id") != request.parent:
                self._report.find(entry.number, f"another parent is told: {segment.get('parent_id')}")
            status = segment.get("http", {}).get("response", {}).get("status")
            if entry.status is not None and status != entry.status:
                self._report.find(entry.number, f"another status is told: {status} for {entry.status}")
            if entry.sampled is False and "tracing_kept" not in segment.get("annotations", {}):
                self._report.find(entry.number, "sent though not sampled, and no word why")
