"""Retrievals of whole traces out of the log group of spans: started, waited for, read page by page."""

from __future__ import annotations

import math
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from localaws.paging import Pager
from localaws.service import ServiceError
from localaws.xray.graph import ServiceGraph
from localaws.xray.paging import page
from localaws.xray.spans import spans
from localaws.xray.store import Trace, TraceStore
from localaws.xray.traces import documents
from localaws.xray.view import TraceView

TRACES_A_PAGE: Final = 5
"""AWS X-Ray API reference, ListRetrievedTraces: items of Traces."""
SPANS_A_TRACE: Final = 100
"""AWS X-Ray API reference, RetrievedTrace: items of Spans; what is more comes as the same trace again."""
SERVICES_A_PAGE: Final = 1_000
TIMEOUT_SECONDS: Final = 3600
"""AWS X-Ray API reference, StartTraceRetrieval: retrievals time out after 60 minutes."""
_RETRIEVALS_KEPT: Final = 1_000
_SCHEDULED_SHARE: Final = 0.25
_TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")


@dataclass(slots=True)
class _Retrieval:
    """One retrieval: `started` is epoch seconds, `first` and `last` the whole seconds whose traces it finds."""

    trace_ids: tuple[str, ...]
    first: int
    last: int
    started: float
    cancelled: bool = False


class Retrievals:
    """The retrievals of one region; each takes `transition_seconds`."""

    def __init__(self, clock: Callable[[], float], transition_seconds: float, traces: TraceStore) -> None:
        self._clock = clock
        self._transition_seconds = transition_seconds
        self._traces = traces
        self._pager = Pager()
        self._lock = threading.Lock()
        self._retrievals: dict[str, _Retrieval] = {}

    def start(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Begins a retrieval. Raises ServiceError for no or malformed ids and for a swapped window."""
        ids = tuple(dict.fromkeys(parameters["TraceIds"]))
        if not ids or not all(map(_TRACE_ID.fullmatch, ids)):
            raise _refused("TraceIds takes 1 to 100 ids such as 1-581cf771-a006649127e371903a2de979.")
        start, end = parameters["StartTime"].timestamp(), parameters["EndTime"].timestamp()
        if end < start:
            raise _refused("EndTime must not be before StartTime.")
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._retrievals[token] = _Retrieval(ids, math.floor(start), math.floor(end), self._clock())
            if len(self._retrievals) > _RETRIEVALS_KEPT:
                del self._retrievals[next(iter(self._retrievals))]
        return {"RetrievalToken": token}

    def cancel(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Cancels a retrieval that has not ended. Raises ServiceError for one that is unknown or has ended."""
        retrieval = self._named(parameters)
        status = self._status(retrieval)
        if status not in ("SCHEDULED", "RUNNING"):
            raise _refused(f"The retrieval is {status} and cannot be cancelled.")
        retrieval.cancelled = True
        return {}

    def listed(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """One page of ListRetrievedTraces' answer, without traces unless the retrieval is COMPLETE."""
        retrieval, form = self._named(parameters), parameters.get("TraceFormat", "XRAY")
        entries = [entry for view in self._views(retrieval) for entry in _entries(view, form)]
        traces, token = page(self._pager, entries, TRACES_A_PAGE, "ListRetrievedTraces", parameters)
        return {"RetrievalStatus": self._status(retrieval), "TraceFormat": form, "Traces": traces, **token}

    def graph(self, parameters: dict[str, Any], account: str) -> dict[str, Any]:
        """One page of GetRetrievedTracesGraph's answer, without services unless the retrieval is COMPLETE."""
        retrieval, graph = self._named(parameters), ServiceGraph()
        for view in self._views(retrieval):
            graph.add(view)
        services = [{"Service": service, "Links": []} for service in graph.services(account)]
        found, token = page(self._pager, services, SERVICES_A_PAGE, "GetRetrievedTracesGraph", parameters)
        return {"RetrievalStatus": self._status(retrieval), "Services": found, **token}

    def _named(self, parameters: dict[str, Any]) -> _Retrieval:
        with self._lock:
            retrieval = self._retrievals.get(parameters["RetrievalToken"])
        if retrieval is None:
            raise ServiceError("ResourceNotFoundException", "There is no retrieval with this token.", 404)
        return retrieval

    def _status(self, retrieval: _Retrieval) -> str:
        age_seconds = self._clock() - retrieval.started
        if retrieval.cancelled:
            return "CANCELLED"
        if age_seconds >= TIMEOUT_SECONDS:
            return "TIMEOUT"
        if age_seconds >= self._transition_seconds:
            return "COMPLETE"
        return "SCHEDULED" if age_seconds < _SCHEDULED_SHARE * self._transition_seconds else "RUNNING"

    def _views(self, retrieval: _Retrieval) -> list[TraceView]:
        if self._status(retrieval) != "COMPLETE":
            return []
        found = [trace for trace_id in retrieval.trace_ids if (trace := self._traces.get(trace_id)) is not None]
        return [TraceView(trace) for trace in found if _is_retrieved(trace, retrieval)]


def _is_retrieved(trace: Trace, retrieval: _Retrieval) -> bool:
    return trace.in_logs and retrieval.first <= trace.second <= retrieval.last


def _entries(view: TraceView, form: str) -> Iterator[dict[str, Any]]:
    """A trace as RetrievedTrace, again for each further hundred of its spans."""
    found = spans(view) if form == "OTEL" else documents(view)
    for first in range(0, len(found), SPANS_A_TRACE):
        members = {
            "Id": view.trace.id,
            "Duration": view.duration_seconds,
            "Spans": [{"Id": span_id, "Document": text} for span_id, text in found[first : first + SPANS_A_TRACE]],
        }
        yield {name: value for name, value in members.items() if value is not None}


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)
