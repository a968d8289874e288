"""python -m fuzz: random requests over a mix of failures, served with and without tracing, and compared."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from fuzz.pool import run_all


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the requests asked for; 0, or 1 where something was found."""
    options = _parser().parse_args(arguments)
    report = run_all(options.seed, options.first, options.requests, options.processes)
    sys.stdout.write("\n".join(report.lines(options.seed)) + "\n")
    return 1 if report.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other requests (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="default: one a core")
    return parser


if __name__ == "__main__":
    sys.exit(main())
