"""Where a region's segments go: X-Ray's own store, or the log group aws/spans of Transaction Search."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final, Literal, cast

from localaws.service import ServiceError

Place = Literal["XRay", "CloudWatchLogs"]

_MAY_NOT_WRITE: Final = (
    "XRay does not have permission to call PutLogEvents on the aws/spans Log Group. "
    "Please verify that your CloudWatch Logs Resource Policies are configured correctly"
)


class Destination:
    """The destination of one region. A change is PENDING for a time, and takes effect when it is ACTIVE."""

    def __init__(
        self, clock: Callable[[], float], transition_seconds: float, xray_may_write_spans: Callable[[], bool]
    ) -> None:
        self._clock = clock
        self._transition_seconds = transition_seconds
        self._xray_may_write_spans = xray_may_write_spans
        self._lock = threading.Lock()
        self._wanted: Place = "XRay"
        self._before: Place = "XRay"
        self._active_at = float("-inf")

    @property
    def place(self) -> Place:
        """Where a segment goes that comes now."""
        return self._wanted if self._clock() >= self._active_at else self._before

    @property
    def was_logs(self) -> bool:
        """Whether the log group of spans exists: once made, it stays."""
        return "CloudWatchLogs" in (self.place, self._before)

    def state(self) -> dict[str, str]:
        """The members of GetTraceSegmentDestination's answer."""
        return {"Destination": self._wanted, "Status": "ACTIVE" if self._clock() >= self._active_at else "PENDING"}

    def own(self) -> str | None:
        """The destination that was chosen, None for the one that AWS begins with."""
        return None if self._wanted == "XRay" else self._wanted

    def update(self, parameters: dict[str, Any]) -> dict[str, str]:
        """Begins a change. Raises ServiceError while another runs, or when X-Ray may not write to the log group.

        Source: CloudWatch user guide, "Enable transaction search" with its resource policy for xray.amazonaws.com.
        """
        if "Destination" not in parameters:
            raise _refused("Destination is required")
        place = cast(Place, parameters["Destination"])
        with self._lock:
            if self._clock() < self._active_at:
                raise _refused("Updates are not allowed while the current status is PENDING")
            if place == self._wanted:
                raise _refused(f"The destination is {place} already")
            if place == "CloudWatchLogs" and not self._xray_may_write_spans():
                raise ServiceError("AccessDeniedException", _MAY_NOT_WRITE, 403)
            self._before, self._wanted = self._wanted, place
            self._active_at = self._clock() + self._transition_seconds
            return self.state()


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)
