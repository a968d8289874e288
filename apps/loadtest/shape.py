"""The load's shape: Locust asks every second, the profile's stages answer."""

from __future__ import annotations

from collections.abc import Callable

from locust import LoadTestShape

from loadtest.profiles import Profile

_SPAWN_RATE = 100
_HALF_A_TICK_SECONDS = 0.5


class StagesShape(LoadTestShape):
    """Follows a profile's stages to their end, or until `stop_requested` says so."""

    def __init__(self, profile: Profile, stop_requested: Callable[[], bool]) -> None:
        super().__init__()
        self._profile = profile
        self._stop_requested = stop_requested

    def tick(self) -> tuple[int, float] | None:
        """How many users to have now, and how many to start or stop a second; None ends the test."""
        elapsed_seconds = self.get_run_time()
        if self._stop_requested() or elapsed_seconds >= self._profile.total_seconds:
            return None
        return self._profile.users_at(elapsed_seconds + _HALF_A_TICK_SECONDS), _SPAWN_RATE
