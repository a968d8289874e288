# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the shop's counters over HTTP: Prometheus text of the tiers, JSON of the cache and of the daemon."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from ansible.module_utils import urls
from ansible_collections.deepobs.eks.plugins.module_utils.counters import (
    Reading,
    cache_counters,
    daemon_counters,
    increase,
    parse_prometheus,
    segment_counters,
    tier_counters,
    tier_reading,
    total,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Outcome, Stopwatch, wait_until

ANSWER_SECONDS = 5.0
SETTLE_INTERVAL_SECONDS = 0.5


class ReadingError(Exception):
    """A server that does not answer as it should; the message names the option, the address and the remedy."""


@dataclass(frozen=True)
class Sources:
    """Where counters are read: one /metrics for each replica, and the daemon's address unless there is none."""

    backend_metrics_urls: tuple[str, ...]
    frontend_metrics_urls: tuple[str, ...]
    cache_url: str
    daemon_url: str | None


@dataclass(frozen=True)
class Snapshot:
    """All counters at one moment; those of a tier by the address they were read from."""

    backend: Mapping[str, Reading]
    frontend: Mapping[str, Reading]
    cache: Mapping[str, int]
    daemon: Mapping[str, int] | None


def read_text(option: str, url: str) -> str:
    """The body of a 200 answer; raises ReadingError. Loopback is often reached past a proxy, so none is used."""
    try:
        with urls.open_url(url, timeout=ANSWER_SECONDS, use_proxy=False, http_agent="deepobs.eks") as answer:
            body: bytes = answer.read()
    except (OSError, ValueError, HTTPException, urls.ConnectionError) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise ReadingError(f"{option}: {url} does not answer ({error}); start it, or correct {option}") from error
    return body.decode(errors="replace")


def read_snapshot(sources: Sources) -> Snapshot:
    """Reads everything once; raises ReadingError."""
    backend = {url: _read_tier("backend_metrics_urls", url) for url in sources.backend_metrics_urls}
    frontend = {url: _read_tier("frontend_metrics_urls", url) for url in sources.frontend_metrics_urls}
    cache = _read_numbers("backend_url", sources.cache_url)
    daemon = _read_numbers("daemon_url", sources.daemon_url.rstrip("/") + "/stats") if sources.daemon_url else None
    if not {"hits", "misses"} <= cache.keys():
        raise ReadingError(f"backend_url: {sources.cache_url} tells no hits and misses; correct backend_url")
    return Snapshot(backend, frontend, {name: cache[name] for name in ("hits", "misses")}, daemon)


def _read_tier(option: str, url: str) -> Reading:
    text = read_text(option, url)
    try:
        return tier_reading(parse_prometheus(text))
    except (ValueError, OverflowError) as error:
        raise ReadingError(f"{option}: {url} answers with {error}; correct {option}") from error


def _read_numbers(option: str, url: str) -> dict[str, int]:
    text = read_text(option, url)
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ReadingError(f"{option}: {url} answers with no JSON; correct {option}") from error
    if not isinstance(document, dict):
        raise ReadingError(f"{option}: {url} answers with no JSON object; correct {option}")
    return {name: value for name, value in document.items() if isinstance(value, int) and not isinstance(value, bool)}


def read_settled(sources: Sources, timeout_seconds: float, watch: Stopwatch) -> Outcome[Snapshot]:
    """Reads until nothing changes any more and the daemon's queue is empty, but not longer than allowed."""
    return wait_until(lambda: read_snapshot(sources), is_settled, timeout_seconds, SETTLE_INTERVAL_SECONDS, *watch)


def is_settled(previous: Snapshot | None, current: Snapshot) -> bool:
    """Whether two readings in a row agree and no segment waits in the daemon."""
    return previous == current and not (current.daemon or {}).get("queued", 0)


def counters_between(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """counters.json."""
    backend = total(increase(before.backend.get(url, {}), reading) for url, reading in after.backend.items())
    frontend = total(increase(before.frontend.get(url, {}), reading) for url, reading in after.frontend.items())
    return {
        "backend": tier_counters(backend),
        "frontend": tier_counters(frontend),
        "daemon": None if after.daemon is None else daemon_counters(before.daemon or {}, after.daemon),
        "segments": {**segment_counters("backend", backend), **segment_counters("frontend", frontend)},
    }


def cache_between(before: Snapshot, after: Snapshot, sources: Sources) -> dict[str, Any]:
    """cache.json."""
    return cache_counters(before.cache, after.cache, f"{sources.cache_url}, all processes, after minus before")
