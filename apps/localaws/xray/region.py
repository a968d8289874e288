"""What X-Ray keeps in one region, and the regions of the account."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import orjson

from localaws.regions import partition_of
from localaws.service import Request
from localaws.xray.destination import Destination
from localaws.xray.documents import Pool, indexed, parse
from localaws.xray.groups import Groups
from localaws.xray.indexing import IndexingRules
from localaws.xray.retrieval import Retrievals
from localaws.xray.sampling import SamplingRules
from localaws.xray.store import Trace, TraceStore

MayWriteSpans = Callable[[str, str], bool]
"""Whether the resource policies of a region and an account let X-Ray write to the log group of spans."""


class Region:
    """Traces, rules and settings of one region."""

    def __init__(
        self,
        name: str,
        account: str,
        clock: Callable[[], float],
        may_write_spans: MayWriteSpans,
        transition_seconds: float,
    ) -> None:
        self._clock = clock
        self.account = account
        self.traces = TraceStore()
        self.groups = Groups(f"arn:{partition_of(name)}:xray:{name}:{account}")
        self.rules = SamplingRules(clock, f"arn:{partition_of(name)}:xray:{name}:{account}")
        self.destination = Destination(clock, transition_seconds, lambda: may_write_spans(name, account))
        self.indexing = IndexingRules(clock)
        self.retrievals = Retrievals(clock, transition_seconds, self.traces)
        self._pool = Pool()

    def put(self, document: str) -> None:
        """Takes a segment document in. Raises MalformedSegment."""
        now = self._clock()
        trace_id, second, segment = parse(document, now, self._pool)
        self.traces.put(trace_id, second, segment, now, self._begun)

    def put_parsed(self, data: dict[str, Any]) -> None:
        """Takes a segment in whose trace may have any id: its second is the one it starts in. Raises MalformedSegment.

        Source: CloudWatch user guide, "Transaction Search": ids of the W3C are taken.
        """
        segment = indexed(data, orjson.dumps(data), self._pool)
        self.traces.put(data["trace_id"], int(segment.start), segment, self._clock(), self._begun)

    def restore_trace(
        self, trace_id: str, second: int, in_logs: bool, indexes: bool, updated: float, documents: list[str]
    ) -> None:
        """Takes a trace in that was held before."""
        for document in documents:
            segment = indexed(orjson.loads(document), document.encode(), self._pool)
            self.traces.put(
                trace_id, second, segment, updated, lambda name, start: Trace(name, start, in_logs, indexes)
            )

    def now(self) -> float:
        """The region's time in epoch seconds."""
        return self._clock()

    def dump(self) -> dict[str, Any]:
        """What was set here that is not as AWS ships it, without times."""
        settings = {
            "groups": self.groups.own(),
            "sampling_rules": self.rules.own(),
            "destination": self.destination.own(),
            "indexing_percentage": self.indexing.own(),
        }
        return {name: value for name, value in settings.items() if value}

    def _begun(self, trace_id: str, second: int) -> Trace:
        in_logs = self.destination.place == "CloudWatchLogs"
        return Trace(trace_id, second, in_logs, not in_logs or self.indexing.indexes(trace_id))


class Regions:
    """The account's regions, each made when it is first asked for."""

    def __init__(self, clock: Callable[[], float], may_write_spans: MayWriteSpans, transition_seconds: float) -> None:
        self._clock = clock
        self._may_write_spans = may_write_spans
        self._transition_seconds = transition_seconds
        self._regions: dict[str, Region] = {}
        self._lock = threading.Lock()

    def of(self, request: Request) -> Region:
        """The region that a request is for."""
        return self.named(request.region, request.account)

    def named(self, name: str, account: str) -> Region:
        """The region of this name."""
        with self._lock:
            if name not in self._regions:
                made = Region(name, account, self._clock, self._may_write_spans, self._transition_seconds)
                self._regions[name] = made
            return self._regions[name]

    def all(self) -> list[tuple[str, Region]]:
        """Every region that was asked for, by name."""
        with self._lock:
            return sorted(self._regions.items())
