"""python -m fuzz: random requests over a mix of failures, traced and not, compared byte by byte."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from typing import Any

from fuzz.report import Report
from fuzz.worker import BLOCK_REQUESTS, run

_PROGRESS_SECONDS = 5.0
_done: Any = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the requests asked for; 0, or 1 where something was found."""
    options = _options(arguments)
    report = _run(options)
    sys.stdout.write("\n".join(report.lines(options.seed)) + "\n")
    return 1 if report.findings else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other requests (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="default: one a core")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> Report:
    """Every process runs a stretch of numbers, a whole number of blocks: their count changes no request."""
    context = multiprocessing.get_context("spawn")
    done = context.Value("q", 0)
    with ProcessPoolExecutor(options.processes, context, _share, (done,)) as pool:
        runs = [pool.submit(_stretch, options.seed, *stretch) for stretch in _stretches(options)]
        _wait(runs, done, options.requests)
        report = Report()
        for each in runs:
            report.add(each.result())
    return report


def _stretches(options: argparse.Namespace) -> list[tuple[int, int]]:
    end = options.first + options.requests
    each = -(-options.requests // options.processes // BLOCK_REQUESTS) * BLOCK_REQUESTS or BLOCK_REQUESTS
    return [(first, min(first + each, end)) for first in range(options.first, end, each)]


def _wait(runs: list[Future[Report]], done: Any, requests: int) -> None:
    began = time.monotonic()
    while wait(runs, _PROGRESS_SECONDS, FIRST_EXCEPTION).not_done:
        sys.stderr.write(f"· {done.value:,} of {requests:,} requests, {time.monotonic() - began:.0f} s\n")
        if any(run.done() and run.exception() for run in runs):
            return


def _share(done: Any) -> None:
    global _done
    _done = done


def _stretch(seed: int, first: int, last: int) -> Report:
    return run(seed, first, last, _progress)


def _progress(requests: int) -> None:
    with _done.get_lock():
        _done.value += requests


if __name__ == "__main__":
    sys.exit(main())
