"""Network rates of pods, from byte counters that the pods themselves keep."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudwatchagent.settings import Settings

TIMEOUT_SECONDS: Final = 2.0
_RECEIVED: Final = "http_network_receive_bytes_total"
_TRANSMITTED: Final = "http_network_transmit_bytes_total"
_SAMPLE = re.compile(rf"^({_RECEIVED}|{_TRANSMITTED})(?:\{{.*\}})? (\S+)", re.MULTILINE)

_log = logging.getLogger(__name__)


class CounterError(Exception):
    """A pod's byte counters could not be read; the message says why."""


class Bytes(NamedTuple):
    """Received and transmitted: bytes since the start as a counter, bytes per second as a rate."""

    received: float
    transmitted: float


Counter = Callable[[], Bytes]


class NetworkMeter:
    """Measures the rates between two calls."""

    def __init__(self, counters: Mapping[str, Counter]) -> None:
        self._counters = counters
        self._before: dict[str, tuple[float, Bytes]] = {}
        self._troubled: set[str] = set()
        self._unmeasured: set[str] = set()

    def measure(self, pods: Iterable[str]) -> dict[str, Bytes]:
        """Bytes per second of those pods whose counters were read now and at the last call, and did not go back."""
        rates = {}
        for pod in pods:
            if pod not in self._counters:
                self._tell_unmeasured(pod)
            elif (rate := self._rate(pod)) is not None:
                rates[pod] = rate
        return rates

    def _rate(self, pod: str) -> Bytes | None:
        before = self._before.pop(pod, None)
        try:
            now, total = time.monotonic(), self._counters[pod]()
        except CounterError as error:
            self._tell_troubled(pod, error)
            return None
        self._troubled.discard(pod)
        self._before[pod] = now, total
        if before is None or total.received < before[1].received or total.transmitted < before[1].transmitted:
            return None
        elapsed_seconds = max(now - before[0], 1e-6)
        return Bytes(*((after - earlier) / elapsed_seconds for after, earlier in zip(total, before[1], strict=True)))

    def _tell_unmeasured(self, pod: str) -> None:
        if pod not in self._unmeasured:
            self._unmeasured.add(pod)
            _log.info("network of %s is not published: it keeps no byte counters", pod)

    def _tell_troubled(self, pod: str, error: CounterError) -> None:
        if pod not in self._troubled:
            self._troubled.add(pod)
            _log.warning("network of %s is not published for now: %s", pod, error)


def counters(settings: Settings) -> dict[str, Counter]:
    """The counters that the settings name, by pod."""
    found: dict[str, Counter] = {pod: partial(metrics_bytes, url) for pod, url in settings.metrics_urls.items()}
    if settings.redis_url is not None:
        found[settings.redis_pod] = redis_counter(settings.redis_url)
    return found


def metrics_bytes(url: str) -> Bytes:
    """Sums an app's counters over all their labels, from its Prometheus page. Raises CounterError."""
    totals = {_RECEIVED: 0.0, _TRANSMITTED: 0.0}
    try:
        samples = _SAMPLE.findall(_page(url))
        for name, value in samples:
            totals[name] += float(value)
    except (OSError, HTTPException, ValueError) as error:
        raise CounterError(f"{url}: {error}") from error
    if len({name for name, _unused in samples}) < len(totals):
        raise CounterError(f"{url} has no {_RECEIVED} or no {_TRANSMITTED}")
    return Bytes(totals[_RECEIVED], totals[_TRANSMITTED])


def redis_counter(url: str) -> Counter:
    """Reads Redis' own counters by INFO; what it returns raises CounterError."""
    client = redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 1)
    )

    def read() -> Bytes:
        try:
            stats = client.info("stats")
        except redis.RedisError as error:
            raise CounterError(f"redis INFO: {error}") from error
        return Bytes(stats["total_net_input_bytes"], stats["total_net_output_bytes"])

    return read


def _page(url: str) -> str:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/", headers={"Accept": "text/plain"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise CounterError(f"{url} answers {answer.status}")
        return answer.read().decode()
    finally:
        connection.close()
