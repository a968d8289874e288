"""How much CPU the generator itself needs: a generator near its limit measures itself, not the shop."""

from __future__ import annotations

from collections.abc import Iterable

import psutil


class CpuMeter:
    """Samples the CPU of some processes, each in percent of one core."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]
        self._samples: list[float] = []
        for process in self._processes:
            process.cpu_percent()

    @property
    def processes(self) -> int:
        return len(self._processes)

    def sample(self) -> None:
        """Takes one sample of each process: its use since the sample before. Processes that ended are left out."""
        for process in self._processes:
            try:
                self._samples.append(process.cpu_percent())
            except psutil.NoSuchProcess:
                continue

    def mean_percent(self) -> float | None:
        return round(sum(self._samples) / len(self._samples), 1) if self._samples else None

    def max_percent(self) -> float | None:
        return max(self._samples, default=None)
