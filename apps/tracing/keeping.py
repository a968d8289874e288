"""Segments that are sent although their requests were not sampled: those that failed or took too long."""

from __future__ import annotations

import threading
from time import monotonic, time

from tracing.counting import Counter
from tracing.entities import Segment


class Keeper:
    """Keeps segments that failed or lasted `slower_than_seconds` (0: no matter how long), `per_second` at most.

    `kept` and `refused` count what was kept, and what was over the limit.
    """

    def __init__(self, per_second: int, slower_than_seconds: float) -> None:
        self.kept = Counter()
        self.refused = Counter()
        self._per_second = per_second
        self._slower_than_seconds = slower_than_seconds
        self._lock = threading.Lock()
        self._second = 0
        self._left = 0

    def keeps(self, segment: Segment) -> bool:
        """Whether a segment that ends now is kept; it is then marked as such."""
        if segment.has_document and "fault" in segment.document:
            return self._keep(segment, "fault")
        if self._slower_than_seconds and time() - segment.start_time >= self._slower_than_seconds:
            return self._keep(segment, "slow")
        return False

    def _keep(self, segment: Segment, reason: str) -> bool:
        if self._per_second == 0:
            return False
        if not self._is_within_limit():
            self.refused.add()
            return False
        self.kept.add()
        segment.keep(reason)
        return True

    def _is_within_limit(self) -> bool:
        with self._lock:
            second = int(monotonic())
            if second != self._second:
                self._second, self._left = second, self._per_second
            self._left -= 1
            return self._left >= 0
