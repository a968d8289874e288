"""Progress for whoever started the load test: one JSON object a line on standard output, written at once."""

from __future__ import annotations

import json
import os
import sys
from itertools import chain
from typing import Any

from loadtest.recorder import Recorder, percentile_ms

INTERVAL_SECONDS = 2.0


def emit(document: dict[str, Any]) -> bool:
    """Writes one line to standard output; False when nobody reads it any more."""
    try:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Else the interpreter's own flush at its end fails once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


class Progress:
    """Tells how the test goes: `requests` and `errors` since its start, rate and p95 of the interval just over."""

    def __init__(self, recorder: Recorder, total_seconds: float) -> None:
        self._recorder = recorder
        self._total_seconds = total_seconds
        self._told_at = recorder.started_at
        self._told_requests = 0

    def tell(self, now: float, users: int) -> bool:
        """Writes the line for this moment (seconds since the epoch); False when nobody reads it any more."""
        recorder = self._recorder
        interval_seconds = max(now - self._told_at, 1e-6)
        made = recorder.requests - self._told_requests
        self._told_at, self._told_requests = now, recorder.requests
        return emit(
            {
                "event": "progress",
                "elapsed_seconds": round(now - recorder.started_at, 1),
                "total_seconds": self._total_seconds,
                "users": users,
                "requests_per_second": round(made / interval_seconds, 1),
                "p95_ms": self._recent_p95_ms(now),
                "errors": recorder.error_count,
                "requests": recorder.requests,
            }
        )

    def _recent_p95_ms(self, now: float) -> float | None:
        """Over the seconds the interval touches."""
        last = int(now - self._recorder.started_at)
        recent = range(max(0, last - int(INTERVAL_SECONDS)), last + 1)
        tallies = [self._recorder.seconds[second] for second in recent if second in self._recorder.seconds]
        return percentile_ms(chain.from_iterable(tally.latencies_us for tally in tallies), 95)
