# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trace summaries counted as they stream by, and what is returned of them. Pure."""

from __future__ import annotations

import heapq
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.instants import iso
from ansible_collections.deepobs.eks.plugins.module_utils.traces import Summary, began_at, times_of

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99_9": 99.9}

_Entry = tuple[float, str, Summary]


def response_seconds(summary: Summary) -> float:
    """How long the first caller waited; where X-Ray has no response time, how long the trace took."""
    return float(summary["ResponseTime"] if "ResponseTime" in summary else summary.get("Duration", 0.0))


def histogram_bin(seconds: float) -> float:
    """The value to two significant digits: bins are as fine for 2 ms as for 20 s, and few."""
    return float(f"{seconds:.1e}")


@dataclass
class Tally:
    """What is kept of a stream of summaries: counts, response times, the slowest, the newest; a trace counts once."""

    slowest_size: int
    newest_size: int
    count: int = 0
    faults: int = 0
    errors: int = 0
    throttles: int = 0
    partial: int = 0
    truncated: bool = False
    seconds: array[float] = field(default_factory=lambda: array("d"))
    _seen: set[str] = field(default_factory=set)
    _slowest: list[_Entry] = field(default_factory=list)
    _newest: list[_Entry] = field(default_factory=list)

    def is_known(self, summary: Summary) -> bool:
        """Whether its trace was counted: windows touch, and pages move while traces arrive."""
        return summary["Id"] in self._seen

    def add(self, summary: Summary) -> None:
        """Counts the summary of a trace that is not known yet."""
        seconds = response_seconds(summary)
        self._seen.add(summary["Id"])
        self.count += 1
        self.faults += bool(summary.get("HasFault"))
        self.errors += bool(summary.get("HasError"))
        self.throttles += bool(summary.get("HasThrottle"))
        self.partial += bool(summary.get("IsPartial"))
        self.seconds.append(seconds)
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

    @property
    def histogram(self) -> Counter[float]:
        """How many traces took how long, by bin."""
        return Counter(map(histogram_bin, self.seconds))


def _order(entry: _Entry) -> tuple[float, str]:
    return entry[:2]


def _keep_largest(heap: list[_Entry], size: int, entry: _Entry) -> None:
    if len(heap) < size:
        heapq.heappush(heap, entry)
    elif size and _order(entry) > _order(heap[0]):
        heapq.heapreplace(heap, entry)


def _started(summary: Summary) -> float:
    """When the trace began, in epoch seconds."""
    return float((summary.get("StartTime") or began_at(summary["Id"])).timestamp())


def tally(summaries: Iterable[Summary], slowest: int = 0, newest: int = 0, most: int | None = None) -> Tally:
    """Counts a stream without holding it: what grows with it is an id and a number a trace.

    Reads on only until `most` traces are counted and one more is seen; then the tally is truncated.
    """
    result = Tally(slowest, newest)
    for summary in summaries:
        if result.is_known(summary):
            continue
        if result.count == most:
            result.truncated = True
            break
        result.add(summary)
    return result


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """Of each of PERCENTILES the smallest value that so many percent do not exceed; none of nothing."""
    ordered = sorted(values)
    ranks = {name: max(math.ceil(percent * len(ordered) / 100), 1) for name, percent in PERCENTILES.items()}
    return {name: ordered[rank - 1] if ordered else None for name, rank in ranks.items()}


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
    """A trace with its segment documents."""
    readable = readable_summary(summary)
    kept = {key: readable[key] for key in ("id", "duration_seconds", "response_time_seconds", "http")}
    return {**kept, "segments": segments}


def trace_of(trace_id: str, segments: list[dict[str, Any]]) -> dict[str, Any]:
    """A trace whose documents are all that is known of it, as whole_trace gives it."""
    duration, response = times_of(segments)
    http: dict[str, Any] = next((segment["http"] for segment in segments if "http" in segment), {})
    request, response_part = http.get("request", {}), http.get("response", {})
    known = {
        "HttpMethod": request.get("method"),
        "HttpURL": request.get("url"),
        "HttpStatus": response_part.get("status"),
        "UserAgent": request.get("user_agent"),
        "ClientIp": request.get("client_ip"),
    }
    readable = readable_http({name: value for name, value in known.items() if value is not None})
    return {
        "id": trace_id,
        "duration_seconds": round(duration, 3),
        "response_time_seconds": round(response, 3),
        "http": readable,
        "segments": segments,
    }
