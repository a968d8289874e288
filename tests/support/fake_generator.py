"""Stands in for `python -m loadtest`: a few real requests, the same lines, exit codes and record, in no time.

The profile's name says how it ends: passes, misses (its thresholds), crashes, hangs (until it is ended) or, for any
other, refused.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

API_REQUESTS, PAGE_REQUESTS = 30, 12


def progress(elapsed_seconds: float, requests: int, p95_ms: float | None = 87.4, errors: int = 0) -> None:
    event = {"event": "progress", "elapsed_seconds": elapsed_seconds, "total_seconds": 60, "users": 200}
    event |= {"requests_per_second": 1612.3, "p95_ms": p95_ms, "errors": errors, "requests": requests}
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def load(arguments: argparse.Namespace) -> None:
    progress(0.4, 0, p95_ms=None)
    sys.stdout.write("no JSON at all\n")
    for _ in range(API_REQUESTS):
        urlopen(f"{arguments.backend_url}/api/catalog/products").read()
    progress(33.9, API_REQUESTS, errors=1)
    for _ in range(PAGE_REQUESTS):
        urlopen(f"{arguments.frontend_url}/products").read()
    progress(60.0, API_REQUESTS + PAGE_REQUESTS, errors=2)


def record(passed: bool) -> dict[str, object]:
    requests = API_REQUESTS + PAGE_REQUESTS
    return {
        "schema_version": 1,
        "started_at": "2026-01-31T09:30:00.120000+00:00",
        "ended_at": "2026-01-31T09:31:00.980000+00:00",
        "totals": {"requests": requests, "errors": 0, "error_rate": 0.0, "requests_per_second": 0.7},
        "latency_ms": {"p50": 12.1, "p95": 87.4, "p99": 130.2},
        "thresholds": [{"name": "p95_ms", "limit": 500 if passed else 50, "actual": 87.4, "passed": passed}],
        "passed": passed,
    }


def hang(output: Path) -> None:
    """Waits with a child of its own; the pids of both stand beside the output."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    output.with_name("pids").write_text(f"{os.getpid()} {child.pid}")
    for second in range(600):
        progress(second, 0)
        time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("command", choices=["run"])
    for name in ("profile", "profile-file", "frontend-url", "backend-url", "accounts-file", "secret-file", "output"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    output = Path(arguments.output)
    if arguments.profile == "hangs":
        hang(output)
    if arguments.profile not in ("passes", "misses", "crashes"):
        sys.stderr.write(f"--profile: there is no profile {arguments.profile!r}; choose from passes, misses\n")
        return 2
    load(arguments)
    if arguments.profile == "crashes":
        raise RuntimeError("out of ideas")
    output.write_text(json.dumps(record(arguments.profile == "passes")))
    return 0 if arguments.profile == "passes" else 3


if __name__ == "__main__":
    sys.exit(main())
