# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stress test from start to end: checks, counters before, load, counters after, files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.load_generator import (
    BAD_INPUT,
    FINISHED,
    THRESHOLDS_FAILED,
    refusal,
    run_generator,
    tail,
)
from ansible_collections.deepobs.eks.plugins.module_utils.readings import (
    ReadingError,
    Sources,
    cache_between,
    counters_between,
    read_settled,
    read_snapshot,
    read_text,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

_FLAGS = ("profile", "profile_file", "frontend_url", "backend_url", "accounts_file", "secret_file", "seed", "workers")


class StressTestError(Exception):
    """Why there is no result; the message names the option and the remedy, or holds what the generator said."""


@dataclass(frozen=True)
class StressTest:
    """What to run, against what, and where its files go."""

    options: Mapping[str, Any]

    @property
    def run_dir(self) -> Path:
        return Path(os.path.abspath(self.options["run_dir"]))

    @property
    def parts(self) -> Path:
        return self.run_dir / "parts"

    @property
    def record(self) -> Path:
        return self.parts / "load.json"

    @property
    def log(self) -> Path:
        return self.run_dir / "loadtest.log"

    @property
    def command(self) -> list[str]:
        """The generator's command line; an option left out is not passed, and a profile of one's own goes first."""
        left_out = "profile" if self.options["profile_file"] else "profile_file"
        given = [(flag, self.options[flag]) for flag in _FLAGS if flag != left_out and self.options[flag] is not None]
        flags = [part for flag, value in given for part in (f"--{flag.replace('_', '-')}", str(value))]
        return [self.options["python"], "-m", "loadtest", "run", *flags, "--output", str(self.record)]

    @property
    def sources(self) -> Sources:
        """Where counters are read; without a list of replicas the addresses under load are."""
        backend, frontend = (self.options[f"{tier}_url"].rstrip("/") for tier in ("backend", "frontend"))
        return Sources(
            backend_metrics_urls=tuple(self.options["backend_metrics_urls"] or [f"{backend}/metrics"]),
            frontend_metrics_urls=tuple(self.options["frontend_metrics_urls"] or [f"{frontend}/metrics"]),
            cache_url=f"{backend}/metrics/cache",
            daemon_url=self.options["daemon_url"],
        )

    def check(self) -> None:
        """Raises StressTestError for what would stop the test, before anything is started or written."""
        self._check_files()
        if self.record.exists():
            raise StressTestError(
                f"run_dir: {self.record} is there already, and a record is never overwritten; name another directory"
            )
        for option, path in (("backend_url", "/health"), ("frontend_url", "/api/health")):
            read_text(option, self.options[option].rstrip("/") + path)

    def _check_files(self) -> None:
        for option in ("accounts_file", "secret_file", "profile_file", "python"):
            path = self.options[option]
            if path is not None and not os.path.isfile(path):
                raise StressTestError(f"{option}: there is no file {path}; create it, or correct {option}")
        if not os.access(self.options["python"], os.X_OK):
            raise StressTestError(f"python: {self.options['python']} cannot be run; name a Python interpreter")
        if not (Path(self.options["apps_dir"]) / "loadtest").is_dir():
            raise StressTestError(
                f"apps_dir: {self.options['apps_dir']} has no package loadtest; name the collection's folder apps"
            )


def stress(test: StressTest, show: Callable[[str], None], watch: Stopwatch) -> dict[str, Any]:
    """Runs the test and writes its parts; returns what the module returns. Raises StressTestError."""
    try:
        test.check()
        before = read_snapshot(test.sources)
        load = _load(test, show)
        after, settled = read_settled(test.sources, test.options["settle_seconds"], watch)
    except ReadingError as error:
        raise StressTestError(str(error)) from error
    counters, cache = counters_between(before, after), cache_between(before, after, test.sources)
    write_json(test.parts / "counters.json", counters)
    write_json(test.parts / "cache.json", cache)
    return {
        "changed": True,
        "command": test.command,
        "run_dir": str(test.run_dir),
        "started_at": load["started_at"],
        "ended_at": load["ended_at"],
        "passed": load["passed"],
        "summary": {name: load[name] for name in ("totals", "latency_ms")},
        "thresholds": load["thresholds"],
        "counters": counters,
        "cache": cache,
        "settled": settled,
    }


def _load(test: StressTest, show: Callable[[str], None]) -> dict[str, Any]:
    """The generator's record; raises StressTestError where it left none that can be used."""
    with _folders(test):
        code = run_generator(test.command, Path(test.options["apps_dir"]), test.log, show)
        if code == BAD_INPUT:
            raise StressTestError(refusal(test.log))
    if code not in (FINISHED, THRESHOLDS_FAILED):
        raise StressTestError(f"The load generator ended with {code}; the end of {test.log}:\n{tail(test.log)}")
    try:
        record: dict[str, Any] = json.loads(test.record.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StressTestError(f"The load generator left no record that can be read: {error}") from error
    return record


@contextmanager
def _folders(test: StressTest) -> Iterator[None]:
    """Makes the run's folders, and takes them back where the test was refused and they hold nothing."""
    try:
        test.parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StressTestError(f"run_dir: cannot make {test.parts} ({error.strerror}); name another") from error
    try:
        yield
    except StressTestError:
        test.log.unlink(missing_ok=True)
        for folder in (test.parts, test.run_dir):
            with suppress(OSError):  # it holds something that was there before
                folder.rmdir()
        raise


def failed_thresholds(thresholds: list[dict[str, Any]]) -> str:
    """The thresholds that failed, in a sentence."""
    failed = [f"{one['name']} is {one['actual']}, its limit {one['limit']}" for one in thresholds if not one["passed"]]
    return f"The stress test missed its thresholds: {'; '.join(failed)}. All its files are written."


def write_json(path: Path, value: object) -> None:
    """Writes a file in one step: a reader finds the whole of it or nothing."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        json.dump(value, draft, indent=1)
        draft.write("\n")
        draft.flush()
        os.fsync(draft.fileno())
    os.chmod(draft.name, 0o644)
    os.replace(draft.name, path)
