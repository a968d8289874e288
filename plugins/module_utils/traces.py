# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS X-Ray traces: summaries counted as they stream by, the slowest ones fetched whole."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.instants import iso, whole_seconds, windows
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages

LONGEST_WINDOW = timedelta(hours=6)  # API: GetTraceSummaries and GetServiceGraph
BATCH_SIZE = 5  # API: BatchGetTraces

Summary = dict[str, Any]


class XRay:
    """The X-Ray calls that read, page by page; what AWS refuses is a DeepobsError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def summaries(self, start: datetime, end: datetime, filter_expression: str | None) -> Iterator[Summary]:
        """Every summary of the range once, a page in memory at a time, in windows X-Ray accepts."""
        filters = {"FilterExpression": filter_expression} if filter_expression else {}
        for first, last in windows(*whole_seconds(start, end), LONGEST_WINDOW):
            for page in pages(
                self._client.get_trace_summaries, "read trace summaries", StartTime=first, EndTime=last, **filters
            ):
                yield from page.get("TraceSummaries", ())

    def services(self, start: datetime, end: datetime) -> Iterator[list[dict[str, Any]]]:
        """The services of GetServiceGraph, a list a window."""
        for first, last in windows(*whole_seconds(start, end), LONGEST_WINDOW):
            found = pages(self._client.get_service_graph, "read the service graph", StartTime=first, EndTime=last)
            yield [service for page in found for service in page.get("Services", ())]

    def documents(self, trace_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
        """The segment documents of each trace that X-Ray still has, oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for first in range(0, len(trace_ids), BATCH_SIZE):
            batch = trace_ids[first : first + BATCH_SIZE]
            for page in pages(self._client.batch_get_traces, "read whole traces", TraceIds=batch):
                for trace in page.get("Traces", ()):
                    segments = [json.loads(segment["Document"]) for segment in trace.get("Segments", ())]
                    found.setdefault(trace["Id"], []).extend(segments)
        return {name: sorted(segments, key=_segment_start) for name, segments in found.items()}


def _segment_start(segment: dict[str, Any]) -> float:
    return float(segment.get("start_time", 0.0))


def response_seconds(summary: Summary) -> float:
    """How long the first caller waited; where X-Ray has no response time, how long the trace took."""
    return float(summary["ResponseTime"] if "ResponseTime" in summary else summary.get("Duration", 0.0))


def histogram_bin(seconds: float) -> float:
    """The value to two significant digits: bins are as fine for 2 ms as for 20 s, and few."""
    return float(f"{seconds:.1e}")


@dataclass
class Tally:
    """What is kept of a stream of summaries: counts, the slowest, the newest; each trace counts once."""

    slowest_size: int
    newest_size: int
    count: int = 0
    faults: int = 0
    errors: int = 0
    throttles: int = 0
    partial: int = 0
    histogram: Counter[float] = field(default_factory=Counter)
    _seen: set[str] = field(default_factory=set)
    _slowest: list[tuple[float, str, Summary]] = field(default_factory=list)
    _newest: list[tuple[float, str, Summary]] = field(default_factory=list)

    def add(self, summary: Summary) -> None:
        """Counts one summary, unless its trace was counted: windows touch, and pages move while traces arrive."""
        if summary["Id"] in self._seen:
            return
        self._seen.add(summary["Id"])
        seconds = response_seconds(summary)
        self.count += 1
        self.faults += bool(summary.get("HasFault"))
        self.errors += bool(summary.get("HasError"))
        self.throttles += bool(summary.get("HasThrottle"))
        self.partial += bool(summary.get("IsPartial"))
        self.histogram[histogram_bin(seconds)] += 1
        _keep_largest(self._slowest, self.slowest_size, (seconds, summary["Id"], summary))
        _keep_largest(self._newest, self.newest_size, (_started(summary), summary["Id"], summary))

    @property
    def slowest(self) -> list[Summary]:
        """The slowest, slowest first."""
        return [summary for _seconds, _id, summary in sorted(self._slowest, key=_order, reverse=True)]

    @property
    def newest(self) -> list[Summary]:
        """The newest, newest first."""
        return [summary for _start, _id, summary in sorted(self._newest, key=_order, reverse=True)]


def _order(entry: tuple[float, str, Summary]) -> tuple[float, str]:
    return entry[:2]


def _keep_largest(heap: list[tuple[float, str, Summary]], size: int, entry: tuple[float, str, Summary]) -> None:
    if len(heap) < size:
        heapq.heappush(heap, entry)
    elif size and _order(entry) > _order(heap[0]):
        heapq.heapreplace(heap, entry)


def _started(summary: Summary) -> float:
    """When the trace began, in epoch seconds; its id has the second in hexadecimal (X-Ray developer guide)."""
    start = summary.get("StartTime")
    return float(start.timestamp()) if start else float(int(summary["Id"][2:10], 16))


def tally(summaries: Iterable[Summary], slowest: int = 0, newest: int = 0) -> Tally:
    """Counts a stream without holding it: what grows with it is one id a trace."""
    result = Tally(slowest, newest)
    for summary in summaries:
        result.add(summary)
    return result


def settled(previous: Tally | None, current: Tally, expected_count: int | None) -> bool:
    """Whether waiting is over: as many as expected, or some and no more than the last time; and all of them whole."""
    if current.partial:
        return False
    if expected_count is not None:
        return current.count >= expected_count
    return previous is not None and previous.count == current.count > 0


def readable_summary(summary: Summary) -> dict[str, Any]:
    """A summary of GetTraceSummaries under Ansible's names."""
    return {
        "id": summary["Id"],
        "start_time": iso(summary["StartTime"]) if "StartTime" in summary else None,
        "duration_seconds": summary.get("Duration", 0.0),
        "response_time_seconds": response_seconds(summary),
        "fault": bool(summary.get("HasFault")),
        "error": bool(summary.get("HasError")),
        "throttle": bool(summary.get("HasThrottle")),
        "http": readable_http(summary.get("Http", {})),
    }


def readable_http(http: dict[str, Any]) -> dict[str, Any]:
    """A summary's Http under Ansible's names; what X-Ray does not know is left out."""
    names = {
        "HttpMethod": "http_method",
        "HttpURL": "http_url",
        "HttpStatus": "http_status",
        "UserAgent": "user_agent",
        "ClientIp": "client_ip",
    }
    return {ours: http[theirs] for theirs, ours in names.items() if theirs in http}


def whole_trace(summary: Summary, segments: list[dict[str, Any]]) -> dict[str, Any]:
    """One of the slowest traces, with its segment documents."""
    readable = readable_summary(summary)
    kept = {key: readable[key] for key in ("id", "duration_seconds", "response_time_seconds", "http")}
    return {**kept, "segments": segments}
