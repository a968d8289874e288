"""The agent as a whole: at each interval it measures what runs, and hands the data to the publisher."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import Final

from botocore.exceptions import BotoCoreError

from cloudwatchagent.metrics import pod_data
from cloudwatchagent.network import NetworkMeter, counters
from cloudwatchagent.processes import ProcessMeter
from cloudwatchagent.publisher import Publisher, cloudwatch_client
from cloudwatchagent.settings import Settings, SettingsError
from cloudwatchagent.supervisor import SupervisorUnavailable, running_programs

FLUSH_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class Agent:
    """Measures and publishes until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError when there can be no client for CloudWatch."""
        self._settings = settings
        self._processes = ProcessMeter()
        self._network = NetworkMeter(counters(settings))
        self._publisher = _publisher(settings.region)
        self._supervisor_away = False

    def run(self, stopping: threading.Event) -> None:
        """Publishes each interval; at the end sends what is waiting within FLUSH_SECONDS."""
        self._publisher.start()
        settings = self._settings
        _log.info("metrics of %s/%s each %g s", settings.cluster_name, settings.namespace, settings.interval_seconds)
        next_at = time.monotonic()
        while not stopping.wait(max(0.0, next_at - time.monotonic())):
            next_at = max(next_at + settings.interval_seconds, time.monotonic())
            self._publisher.publish(self._measure())
        unsent = self._publisher.finish(FLUSH_SECONDS)
        if unsent:
            _log.warning("ended with %d values unsent", unsent)

    def _measure(self) -> list[dict[str, object]]:
        settings, programs = self._settings, self._programs()
        measured_at = datetime.now(UTC)
        usages = self._processes.measure(programs)
        rates = self._network.measure(programs)
        return pod_data(settings.cluster_name, settings.namespace, usages, rates, measured_at)

    def _programs(self) -> dict[str, int]:
        """The programs to publish; none while supervisord does not answer, which is logged once."""
        try:
            programs = running_programs(self._settings.supervisor_socket)
        except SupervisorUnavailable as error:
            if not self._supervisor_away:
                _log.warning("nothing is published for now: %s", error)
            self._supervisor_away = True
            return {}
        self._supervisor_away = False
        wanted = self._settings.pods
        return {name: pid for name, pid in programs.items() if not wanted or name in wanted}


def _publisher(region: str) -> Publisher:
    try:
        return Publisher(partial(cloudwatch_client, region))
    except (ValueError, BotoCoreError) as error:
        text = f"there is no client for CloudWatch: {error}: check AWS_ENDPOINT_URL, AWS_REGION and AWS_PROFILE"
        raise SettingsError(text) from error
