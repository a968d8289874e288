"""Some thousand of the fuzzer's requests, as `make fuzz-tracing` runs a million; and that it finds what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from fuzz.exchange import Application, StartResponse
from fuzz.report import Report
from fuzz.worker import run
from tracing import Tracing, subsegment
from tracing.entities import activate, current
from tracing.wsgi import TracedApplication

ROOT = Path(__file__).resolve().parents[4]
REQUESTS = 4_000
FEW = 400
SEED = 1  # whose first requests find the daemon there

Wrap = Callable[[Any, Tracing], Application]


def _few(wrap: Wrap) -> Report:
    """Runs the first requests in a context of their own, in which a fault may leave what it likes."""
    return copy_context().run(run, SEED, 0, FEW, wrap=wrap)


def test_tracing_changes_no_outcome_and_tells_only_what_is_valid() -> None:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'apps'}:{ROOT / 'tests'}"}
    options = ["--requests", str(REQUESTS), "--seed", str(SEED), "--processes", "1"]
    command = [sys.executable, "-m", "fuzz", *options]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{REQUESTS:,}" in done.stdout


def _with_another_header(application: Application, tracing: Tracing) -> Application:
    def traced(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, ("X-Traced", "yes")], *more)

        return TracedApplication(application, tracing)(environ, start)

    return traced


def _swallowing(application: Application, tracing: Tracing) -> Application:
    traced = TracedApplication(application, tracing)

    def swallow(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            return traced(environ, start_response)
        except ValueError:
            return []

    return swallow


def _leaking(application: Application, tracing: Tracing) -> Application:
    traced = TracedApplication(application, tracing)

    def leak(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = traced(environ, start_response)
        activate(tracing.open(environ))
        return body

    return leak


def _misnaming(application: Application, tracing: Tracing) -> Application:
    def misname(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        with subsegment("part") as part:
            part.document["name"] = "<part>"
        entity = current()
        if entity is not None:
            entity.document["parent_id"] = "0" * 16
        return application(environ, start_response)

    return TracedApplication(misname, tracing)


def _sending_twice(application: Application, tracing: Tracing) -> Application:
    def again(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        tracing.close(tracing.open(environ))
        return application(environ, start_response)

    return TracedApplication(again, tracing)


@pytest.mark.parametrize(
    ("wrap", "kinds"),
    [
        (_with_another_header, {"the outcome differs"}),
        (_swallowing, {"the outcome differs"}),
        (_leaking, {"a context is left behind"}),
        (_misnaming, {"name", "another parent is told"}),
        (_sending_twice, {"number of segments"}),
    ],
)
def test_fuzzer_finds_what_is_wrong(wrap: Wrap, kinds: set[str]) -> None:
    assert kinds <= set(_few(wrap).findings)


def test_requests_are_the_same_each_time() -> None:
    first, second = (_few(_with_another_header) for _unused in range(2))
    numbers = [[number for number, _detail in each.examples["the outcome differs"]] for each in (first, second)]
    assert numbers[0] == numbers[1]
    assert first.findings["the outcome differs"] == second.findings["the outcome differs"]
