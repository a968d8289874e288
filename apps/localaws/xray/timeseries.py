"""Statistics of services and edges over time, by periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from localaws.service import ServiceError
from localaws.xray.calls import calls
from localaws.xray.graph import Requests
from localaws.xray.moments import moment
from localaws.xray.paging import Window
from localaws.xray.parts import Node
from localaws.xray.view import TraceView

PERIODS_SECONDS: Final = (60, 300)
"""AWS X-Ray developer guide, "Using the API: service statistics": periods of one and of five minutes."""


class Selector(NamedTuple):
    """Which services (`source` is None) or which edges are counted."""

    source: Callable[[Node], bool] | None
    destination: Callable[[Node], bool]


class TimeSeries:
    """Gathers traces and tells the statistics of each period that has any."""

    def __init__(self, selector: Selector, period_seconds: int, window: Window) -> None:
        self._selector = selector
        self._period_seconds = period_seconds
        self._window = window
        self._periods: defaultdict[int, Requests] = defaultdict(Requests)

    def add(self, view: TraceView) -> None:
        """Counts the selected requests of a trace that began within the window."""
        for start, end, flags in self._requests(view):
            if self._window.first <= start < self._window.last + 1:
                self._periods[int(start // self._period_seconds)].add(start, end, flags)

    def statistics(self) -> list[dict[str, Any]]:
        """The members of GetTimeSeriesServiceStatistics' answer, oldest first."""
        member = "EdgeSummaryStatistics" if self._selector.source else "ServiceSummaryStatistics"
        return [
            {
                "Timestamp": moment(number * self._period_seconds),
                member: requests.statistics(),
                "ResponseTimeHistogram": requests.response_times(),
            }
            for number, requests in sorted(self._periods.items())
        ]

    def _requests(self, view: TraceView) -> Iterator[tuple[float, float, int]]:
        """Start, end and outcome of what is selected."""
        source, destination = self._selector
        if source is None:
            for segment in view.segments:
                if not segment.is_subsegment and segment.end is not None and destination(segment.node):
                    yield segment.start, segment.end, segment.flags
        for call in calls(view):
            is_selected = call.is_inferred if source is None else source(call.caller)
            if is_selected and destination(call.callee):
                yield call.start, call.end, call.flags


def period_seconds(parameters: dict[str, Any]) -> int:
    """The period of a request, one minute where it names none. Raises ServiceError for one that X-Ray has not."""
    period: int = parameters.get("Period", PERIODS_SECONDS[0])
    if period not in PERIODS_SECONDS:
        raise ServiceError("InvalidRequestException", "Period must be 60 or 300 seconds.")
    return period
