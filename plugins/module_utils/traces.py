# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS X-Ray's reading side: summaries window by window, service graphs, and whole traces wherever they are kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call
from ansible_collections.deepobs.eks.plugins.module_utils.instants import whole_seconds, windows
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until

LONGEST_WINDOW = timedelta(hours=6)  # API: GetTraceSummaries and GetServiceGraph
BATCH_SIZE = 5  # API: BatchGetTraces
RETRIEVAL_SIZE = 100  # API: StartTraceRetrieval
_FIRST_POLL_SECONDS, _POLL_GROWTH, _LONGEST_POLL_SECONDS = 0.5, 1.5, 5.0
_PENDING = ("SCHEDULED", "RUNNING")
_SUMMARY_MEMBERS = frozenset(
    ("Id", "StartTime", "Duration", "ResponseTime", "HasFault", "HasError", "HasThrottle", "IsPartial", "Http")
)
_XRAY_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_W3C_ID = re.compile(r"[0-9a-f]{32}")

Summary = dict[str, Any]
Segments = dict[str, list[dict[str, Any]]]
Services = list[dict[str, Any]]


def skim_summaries(client: Any) -> None:
    """Has a client read of a page of summaries only what is needed here.

    A summary has annotations, users, service ids and causes, and botocore takes ten times as long to make objects of
    them as JSON's parser does to read them.
    """
    client.meta.events.register("before-parse.xray.GetTraceSummaries", _skim)


def _skim(response_dict: dict[str, Any], **_told: Any) -> None:
    """Shortens the body of an answer before botocore parses it; an error, or what X-Ray cannot have said, stays."""
    if response_dict["status_code"] != 200:
        return
    try:
        page = json.loads(response_dict["body"])
    except ValueError:
        return
    page["TraceSummaries"] = [
        {name: value for name, value in summary.items() if name in _SUMMARY_MEMBERS}
        for summary in page.get("TraceSummaries") or ()
    ]
    response_dict["body"] = json.dumps(page).encode()


class WholeTraces(NamedTuple):
    """The segments of traces by id, oldest first; and the graph of those that CloudWatch Logs gave, if it was asked."""

    segments: Segments
    retrieved_graph: Services | None


class XRay:
    """The X-Ray calls that read, page by page; what AWS refuses is a DeepobsError."""

    def __init__(self, client: Any, stopwatch: Stopwatch | None = None) -> None:
        self._client = client
        self._stopwatch = stopwatch or Stopwatch()

    def summaries(self, start: datetime, end: datetime, filter_expression: str | None) -> Iterator[Summary]:
        """Every summary of the range, a page in memory at a time, in windows X-Ray accepts, the newest window first.

        Windows touch, so that a trace of the second between two comes twice.
        """
        filters = {"FilterExpression": filter_expression} if filter_expression else {}
        for first, last in reversed(list(windows(*whole_seconds(start, end), LONGEST_WINDOW))):
            for page in pages(
                self._client.get_trace_summaries, "read trace summaries", StartTime=first, EndTime=last, **filters
            ):
                yield from page.get("TraceSummaries", ())

    def services(self, start: datetime, end: datetime) -> Iterator[Services]:
        """The services of GetServiceGraph, a list a window; windows touch, and share what began in that second."""
        for first, last in windows(*whole_seconds(start, end), LONGEST_WINDOW):
            found = pages(self._client.get_service_graph, "read the service graph", StartTime=first, EndTime=last)
            yield [service for page in found for service in page.get("Services", ())]

    def whole(self, trace_ids: Sequence[str], timeout_seconds: float) -> WholeTraces:
        """The segments of each trace that can be had.

        What X-Ray itself does not have is retrieved from CloudWatch Logs where the account's segments go there
        (CloudWatch user guide, "Transaction Search"). Raises DeepobsError when that does not end in time.
        """
        found = self._from_xray(trace_ids)
        missing = [trace_id for trace_id in trace_ids if trace_id not in found]
        if not missing or not self._is_kept_in_logs():
            return WholeTraces(_sorted(found), None)
        graph: Services = []
        for first in range(0, len(missing), RETRIEVAL_SIZE):
            retrieval = self._retrieved(missing[first : first + RETRIEVAL_SIZE], timeout_seconds)
            found |= self._listed(retrieval)
            graph += self._graph_of(retrieval)
        return WholeTraces(_sorted(found), graph)

    def _from_xray(self, trace_ids: Sequence[str]) -> Segments:
        found: Segments = {}
        for first in range(0, len(trace_ids), BATCH_SIZE):
            batch = list(trace_ids[first : first + BATCH_SIZE])
            for page in pages(self._client.batch_get_traces, "read whole traces", TraceIds=batch):
                for trace in page.get("Traces", ()):
                    _add(found, trace["Id"], trace.get("Segments", ()))
        return found

    def _is_kept_in_logs(self) -> bool:
        """Whether segments go to CloudWatch Logs; a botocore that is older than that does not know of it."""
        read = getattr(self._client, "get_trace_segment_destination", None)
        if read is None:
            return False
        return bool(call(read, "read where segments are kept").get("Destination") == "CloudWatchLogs")

    def _retrieved(self, trace_ids: list[str], timeout_seconds: float) -> dict[str, str]:
        """Has traces retrieved; the parameter that names the finished retrieval."""
        began = sorted(map(began_at, trace_ids))
        range_: dict[str, Any] = {"StartTime": began[0], "EndTime": began[-1] + timedelta(seconds=1)}
        purpose = "have traces retrieved from CloudWatch Logs"
        started = call(self._client.start_trace_retrieval, purpose, TraceIds=trace_ids, **range_)
        retrieval = {"RetrievalToken": started["RetrievalToken"]}
        status, _in_time = wait_until(
            lambda: str(call(self._client.list_retrieved_traces, purpose, **retrieval)["RetrievalStatus"]),
            lambda _previous, current: current not in _PENDING,
            timeout_seconds,
            _FIRST_POLL_SECONDS,
            *self._stopwatch,
            growth=_POLL_GROWTH,
            longest_interval_seconds=_LONGEST_POLL_SECONDS,
        )
        if status != "COMPLETE":
            raise DeepobsError(
                f"Failed to {purpose}: the retrieval of {len(trace_ids)} traces is {status} after at most"
                f" {timeout_seconds:g} s; ask for fewer traces, or raise retrieval_timeout"
            )
        return retrieval

    def _listed(self, retrieval: dict[str, str]) -> Segments:
        found: Segments = {}
        for page in pages(self._client.list_retrieved_traces, "read retrieved traces", TraceFormat="XRAY", **retrieval):
            for trace in page.get("Traces", ()):
                _add(found, trace["Id"], trace.get("Spans", ()))
        return found

    def _graph_of(self, retrieval: dict[str, str]) -> Services:
        found = pages(self._client.get_retrieved_traces_graph, "read the graph of retrieved traces", **retrieval)
        return [entry["Service"] for page in found for entry in page.get("Services", ())]


def _add(found: Segments, trace_id: str, parts: Sequence[dict[str, Any]]) -> None:
    found.setdefault(trace_id, []).extend(json.loads(part["Document"]) for part in parts)


def _sorted(found: Segments) -> Segments:
    return {name: sorted(segments, key=_segment_start) for name, segments in found.items()}


def _segment_start(segment: dict[str, Any]) -> float:
    return float(segment.get("start_time", 0.0))


def parse_trace_id(text: str) -> str:
    """X-Ray's form of a trace id, which may be given as OpenTelemetry writes it; raises ValueError."""
    if _W3C_ID.fullmatch(text):
        return f"1-{text[:8]}-{text[8:]}"
    if _XRAY_ID.fullmatch(text):
        return text
    raise ValueError(f"trace_ids: {text!r} is no trace id; write it like 1-697dcd08-3f1a0b2c4d5e6f708192a3b4")


def began_at(trace_id: str) -> datetime:
    """When a trace began: its id has the second in hexadecimal (X-Ray developer guide)."""
    return datetime.fromtimestamp(int(trace_id[2:10], 16), UTC)


def times_of(segments: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Duration of a trace, and response time of its first segment, in seconds, out of its documents."""
    ends = [segment["end_time"] for segment in segments if "end_time" in segment]
    if not ends:
        return 0.0, 0.0
    ids = {part["id"] for segment in segments for part in _parts(segment)}
    root = next((segment for segment in segments if segment.get("parent_id") not in ids), segments[0])
    start = min(map(_segment_start, segments))
    return max(ends) - start, max(root.get("end_time", start) - _segment_start(root), 0.0)


def _parts(segment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A segment and all its subsegments."""
    return chain([segment], chain.from_iterable(map(_parts, segment.get("subsegments", ()))))
