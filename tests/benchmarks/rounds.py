"""Ways of serving the same answers, measured in turn: the CPU of each for a request, and their ratios by round."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import psutil
from benchmarks.wrk import Answered, load

ROUNDS: Final = 15
ROUND_SECONDS: Final = 1
WARM_UP_SECONDS: Final = 2
SETTLE_SECONDS: Final = 0.2

Spread = tuple[float, float]
# The shares of requests that are traced, with room for chance.
UNTRACED: Final[Spread] = (0.0, 0.01)
TWENTIETH: Final[Spread] = (0.03, 0.08)
ALL: Final[Spread] = (0.97, 1.03)


@dataclass(frozen=True)
class Way:
    """A way of serving: a server, what it is asked for, and the share of its requests that are to be traced.

    A way that traces more or less than it says would measure something else than its name. `settle_seconds` are how
    long it may work on after a load.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    paths: Sequence[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    traced_share: Spread = UNTRACED
    settle_seconds: float = SETTLE_SECONDS


@dataclass(frozen=True)
class Measure:
    """A way in one round."""

    cpu_seconds: float
    requests: int
    segments: int
    requests_per_second: float

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU for a request."""
        return self.cpu_seconds / self.requests * 1e6


Measures = Mapping[str, Sequence[Measure]]


def compare(ways: Sequence[Way], segments: Callable[[], int], rounds: int = ROUNDS) -> Measures:
    """Warms every way up, then measures them in turn; `segments` tells how many segments have come in so far."""
    for way in ways:
        _load(way, WARM_UP_SECONDS)
        _pin(way.process)
    taken: dict[str, list[Measure]] = {way.name: [] for way in ways}
    for number in range(1, rounds + 1):
        for way in ways:
            taken[way.name].append(_measured(way, segments))
        if number % 3 == 0:
            sys.stderr.write(f"· round {number} of {rounds}: {_told(taken)}\n")
    for way in ways:
        _check_traced_share(way, taken[way.name])
    return taken


def ratios(measures: Measures, of: str, over: str) -> list[float]:
    """The CPU for a request of one way over that of another, round by round."""
    return [one.cpu_us / other.cpu_us for one, other in zip(measures[of], measures[over], strict=True)]


def differences(measures: Measures, of: str, less: str) -> list[float]:
    """The CPU for a request, in microseconds, of one way less that of another, round by round."""
    return [one.cpu_us - other.cpu_us for one, other in zip(measures[of], measures[less], strict=True)]


def absolute(measures: Measures, prefix: str) -> dict[str, list[float]]:
    """Each way's CPU for a request and its throughput, round by round."""
    figures = {}
    for name, taken in measures.items():
        figures[f"{prefix}{name}_cpu_us"] = [measure.cpu_us for measure in taken]
        figures[f"{prefix}{name}_rps"] = [measure.requests_per_second for measure in taken]
    return figures


def _measured(way: Way, segments: Callable[[], int]) -> Measure:
    processes, cpu_before = _cpu(way.process)
    segments_before = segments()
    answered = _load(way, ROUND_SECONDS)
    processes_after, cpu_after = _cpu(way.process)
    if processes_after != processes:
        raise RuntimeError(f"{way.name}: a process ended under load")
    came = segments() - segments_before
    return Measure(cpu_after - cpu_before, answered.served, came, answered.requests_per_second)


def _check_traced_share(way: Way, measures: Sequence[Measure]) -> None:
    """Raises RuntimeError where a way did not trace what it says; single rounds may be off on a busy machine."""
    share = statistics.median(measure.segments / measure.requests for measure in measures)
    least, most = way.traced_share
    if not least <= share <= most:
        raise RuntimeError(f"{way.name}: {share:.3f} segments a request, {least} to {most} are wanted")


def _load(way: Way, seconds: int) -> Answered:
    answered = load(way.port, way.paths, seconds, way.headers)
    time.sleep(way.settle_seconds)
    return answered


def _pin(process: subprocess.Popen[bytes]) -> None:
    """Leaves a program one core: handing Python's lock from core to core costs much, by chance."""
    core = max(os.sched_getaffinity(0))
    for one in _family(process):
        for thread in one.threads():
            os.sched_setaffinity(thread.id, {core})


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    root = psutil.Process(process.pid)
    return [root, *root.children(recursive=True)]


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """The CPU that a program's processes have used so far, user and system."""
    return _cpu(process)[1]


def _cpu(process: subprocess.Popen[bytes]) -> tuple[frozenset[int], float]:
    family = _family(process)
    return frozenset(one.pid for one in family), sum(sum(one.cpu_times()[:2]) for one in family)


def _told(taken: Mapping[str, Sequence[Measure]]) -> str:
    return ", ".join(f"{name} {measures[-1].cpu_us:.0f}" for name, measures in taken.items()) + " us a request"
