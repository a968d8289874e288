"""CPU and memory of programs with all their descendants."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

import psutil

_ProcessKey = tuple[int, float]
"""Process id and start time: an id alone may be given again."""


class Usage(NamedTuple):
    """Shares of the whole machine: of all its cores, and of its memory."""

    cpu_percent: float
    memory_percent: float


class ProcessMeter:
    """Measures the CPU time between two calls, so that the first call knows none."""

    def __init__(self) -> None:
        self._cores = psutil.cpu_count() or 1
        self._memory_bytes = psutil.virtual_memory().total
        self._cpu_seconds: dict[int, dict[_ProcessKey, float]] = {}
        self._measured_at = time.monotonic()

    def measure(self, programs: Mapping[str, int]) -> dict[str, Usage]:
        """The usage of each program whose process was there at the last call."""
        now = time.monotonic()
        elapsed_seconds, self._measured_at = now - self._measured_at, now
        before, self._cpu_seconds = self._cpu_seconds, {}
        children = _children()
        usages = {}
        for name, pid in programs.items():
            spent, memory_bytes = _totals(_tree(pid, children))
            self._cpu_seconds[pid] = spent
            if spent and pid in before:
                busy_cores = _growth(before[pid], spent) / max(elapsed_seconds, 1e-6)
                usages[name] = Usage(100 * busy_cores / self._cores, 100 * memory_bytes / self._memory_bytes)
        return usages


def _children() -> dict[int, list[int]]:
    """The process ids of each process' children, from one look at all processes."""
    found = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found[process.ppid()].append(process.pid)
    return found


def _tree(pid: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += children.get(current, [])


def _totals(pids: Iterable[int]) -> tuple[dict[_ProcessKey, float], int]:
    """The CPU seconds of each process that is still there, and the memory of all of them in bytes."""
    spent: dict[_ProcessKey, float] = {}
    memory_bytes = 0
    for pid in pids:
        with suppress(psutil.NoSuchProcess), (process := psutil.Process(pid)).oneshot():
            times = process.cpu_times()
            spent[pid, process.create_time()] = times.user + times.system
            memory_bytes += _memory_bytes(process)
    return spent, memory_bytes


def _memory_bytes(process: psutil.Process) -> int:
    """The proportional set size, which counts memory that processes share once; the resident one where it is denied."""
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def _growth(before: Mapping[_ProcessKey, float], after: Mapping[_ProcessKey, float]) -> float:
    return sum(seconds - before.get(key, 0.0) for key, seconds in after.items())
