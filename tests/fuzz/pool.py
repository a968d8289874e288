"""A run of the fuzzer over several processes, with its progress on stderr."""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from typing import Any

from fuzz.report import Report
from fuzz.worker import BLOCK_REQUESTS, run

_PROGRESS_SECONDS = 5.0
_done: Any = None


def run_all(seed: int, first: int, requests: int, processes: int) -> Report:
    """Runs the requests first..first+requests-1 of a seed.

    Every process runs a stretch of them, a whole number of blocks: how many processes there are changes no request.
    Raises BrokenProcessPool where a request hung or ended its process; the stacks are on stderr then.
    """
    context = multiprocessing.get_context("spawn")
    done = context.Array("q", 1 + processes)  # the requests done, and the findings of each process
    with ProcessPoolExecutor(processes, context, _share, (done,)) as pool:
        stretches = enumerate(_stretches(first, requests, processes), 1)
        runs = [pool.submit(_run_stretch, seed, *stretch, place) for place, stretch in stretches]
        _wait(runs, done, requests)
        report = Report()
        for each in runs:
            report.add(each.result())
    return report


def _stretches(first: int, requests: int, processes: int) -> list[tuple[int, int]]:
    each = max(-(-requests // processes // BLOCK_REQUESTS), 1) * BLOCK_REQUESTS
    return [(begin, min(begin + each, first + requests)) for begin in range(first, first + requests, each)]


def _wait(runs: list[Future[Report]], done: Any, requests: int) -> None:
    began = time.monotonic()
    while wait(runs, _PROGRESS_SECONDS, FIRST_EXCEPTION).not_done:
        findings = f", {sum(done[1:])} findings" if sum(done[1:]) else ""
        sys.stderr.write(f"· {done[0]:,} of {requests:,} requests, {time.monotonic() - began:.0f} s{findings}\n")
        if any(each.done() and each.exception() for each in runs):
            return


def _share(done: Any) -> None:
    global _done
    _done = done


def _run_stretch(seed: int, first: int, last: int, place: int) -> Report:
    def progress(requests: int, findings: int) -> None:
        with _done.get_lock():
            _done[0] += requests
            _done[place] = findings

    return run(seed, first, last, progress)
