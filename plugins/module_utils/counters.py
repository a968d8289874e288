# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Counters of the shop: Prometheus text in, what was counted between two readings out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Asked by probes and by whoever measures, never by a customer.
WATCHING_ROUTES = frozenset({"/health", "/ready", "/api/health", "/metrics", "/metrics/cache"})
REQUESTS, SENT, DROPPED = "http_requests_total", "tracing_segments_sent_total", "tracing_segments_dropped_total"
DAEMON_GAUGES = frozenset({"queued"})

# https://prometheus.io/docs/instrumenting/exposition_formats/, text-based format
_LINE = re.compile(r"(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

Key = tuple[str, str]
Reading = Mapping[Key, int]


@dataclass(frozen=True)
class Sample:
    """One line of Prometheus text."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_prometheus(text: str) -> Iterator[Sample]:
    """The samples of a text exposition; raises ValueError at a line that is none."""
    for line in text.split("\n"):
        if line.strip() and not line.startswith("#"):
            yield _parse_line(line.strip())


def _parse_line(line: str) -> Sample:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"no Prometheus text: {line[:80]!r}")
    labels = {name: _unescape(value) for name, value in _LABEL.findall(match["labels"] or "")}
    return Sample(match["name"], labels, float(match["value"]))


def _unescape(value: str) -> str:
    return re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), value)


def tier_reading(samples: Iterable[Sample]) -> Reading:
    """What one process or replica of a tier counted: requests by method and route, segments sent and dropped."""
    counts: Counter[Key] = Counter()
    for sample in samples:
        if sample.name in (SENT, DROPPED):
            counts[sample.name, ""] += int(sample.value)
        elif sample.name == REQUESTS and sample.labels.get("route") not in WATCHING_ROUTES:
            counts[REQUESTS, f"{sample.labels.get('method', '')} {sample.labels.get('route', '')}"] += int(sample.value)
    return counts


def increase(before: Reading, after: Reading) -> Reading:
    """What was counted between two readings of one process; one that went back was started anew, from 0."""
    return {key: _increase(before.get(key, 0), value) for key, value in after.items()}


def _increase(before: int, after: int) -> int:
    return after - before if after >= before else after


def total(readings: Iterable[Reading]) -> Reading:
    """The sum over replicas."""
    counts: Counter[Key] = Counter()
    for reading in readings:
        for key, value in reading.items():
            counts[key] += value
    return counts


def tier_counters(counted: Reading) -> dict[str, Any]:
    """A tier of counters.json: requests in all and by route; routes without any are left out."""
    routes = {route: count for (name, route), count in sorted(counted.items()) if name == REQUESTS and count}
    return {"requests": sum(routes.values()), "routes": routes}


def segment_counters(tier: str, counted: Reading) -> dict[str, int | None]:
    """A tier's part of counters.json's segments; null where the tier counts none, that is, does not trace."""
    return {f"{tier}_sent": counted.get((SENT, "")), f"{tier}_dropped": counted.get((DROPPED, ""))}


def daemon_counters(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """The daemon's counts between two readings of its /stats; what is queued is told as it is at the end."""
    return {
        name: value if name in DAEMON_GAUGES else _increase(before.get(name, 0), value) for name, value in after.items()
    }


def cache_counters(before: Mapping[str, int], after: Mapping[str, int], source: str) -> dict[str, Any]:
    """cache.json: hits and misses between two readings; without any lookup the hit rate is 0."""
    hits, misses = (_increase(before[name], after[name]) for name in ("hits", "misses"))
    lookups = hits + misses
    return {
        "hits": hits,
        "misses": misses,
        "hit_rate": hits / lookups if lookups else 0.0,
        "total": lookups,
        "source": source,
    }
