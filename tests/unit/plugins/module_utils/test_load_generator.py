"""The generator as a real child: its events shown, its log kept, and nothing of it left behind."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils import load_generator
from ansible_collections.deepobs.eks.plugins.module_utils.load_generator import (
    progress_line,
    refusal,
    run_generator,
    tail,
)
from support.programs import is_running
from support.waiting import eventually

EVENT = {
    "event": "progress",
    "elapsed_seconds": 33.9,
    "total_seconds": 60,
    "users": 200,
    "requests_per_second": 1612.3,
    "p95_ms": 87.4,
    "errors": 0,
}
# Sleeps with a child of its own, once it has told both process ids and begun to show progress.
HANGS = f"""
import os, pathlib, subprocess, time
child = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
pathlib.Path("pids").write_text(f"{{os.getpid()}} {{child.pid}}")
print({json.dumps(EVENT)!r}, flush=True)
time.sleep(600)
"""


class Generator:
    """Python programs that take the generator's place, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "loadtest.log"
        self.shown: list[str] = []

    def run(self, source: str, show: Callable[[str], None] | None = None) -> int:
        return run_generator([sys.executable, "-c", source], self.folder, self.log, show or self.shown.append)

    def process_ids(self) -> list[int]:
        return [int(process_id) for process_id in (self.folder / "pids").read_text().split()]


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator:
    monkeypatch.chdir(tmp_path)
    return Generator(tmp_path)


def assert_nothing_runs(generator: Generator, count: int = 2) -> None:
    process_ids = generator.process_ids()
    assert len(process_ids) == count
    eventually(lambda: not any(map(is_running, process_ids)))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({}, "  34/60 s · 200 users · 1,612 rps · p95 87 ms · 0 errors"),
        ({"p95_ms": None}, "  34/60 s · 200 users · 1,612 rps · p95 - · 0 errors"),
        ({"users": 1, "errors": 1}, "  34/60 s · 1 user · 1,612 rps · p95 87 ms · 1 error"),
        ({"users": 12500, "errors": 1000}, "  34/60 s · 12,500 users · 1,612 rps · p95 87 ms · 1,000 errors"),
    ],
)
def test_progress_line_reads_like_a_sentence(change: dict[str, Any], line: str) -> None:
    assert progress_line({**EVENT, **change}) == line


def test_progress_is_shown_in_order_and_all_else_is_logged(generator: Generator) -> None:
    events = [{**EVENT, "elapsed_seconds": second} for second in (1, 2)]
    lines = [json.dumps(events[0]), "no JSON", "17", '{"event": "other"}', "{}", json.dumps(events[1])]
    code = generator.run(f"print({chr(10).join(lines)!r})")
    assert code == 0
    assert generator.shown == [progress_line(event) for event in events]
    assert generator.log.read_text().splitlines() == ["no JSON", "17"]


def test_log_ends_with_what_was_written_last(generator: Generator) -> None:
    source = f"""
import sys, time
print("no JSON", flush=True)
print({json.dumps(EVENT)!r}, flush=True)
while open("loadtest.log").read() != "no JSON\\n":
    time.sleep(0.01)
raise RuntimeError("out of ideas")
"""
    assert generator.run(source) == 1
    assert generator.log.read_text().startswith("no JSON\nTraceback")
    assert generator.log.read_text().endswith("RuntimeError: out of ideas\n")


@pytest.mark.parametrize("code", [2, 3, 99])
def test_exit_code_is_the_generators(generator: Generator, code: int) -> None:
    assert generator.run(f"raise SystemExit({code})") == code


def test_generator_is_imported_from_the_apps_and_reads_nothing(generator: Generator) -> None:
    (generator.folder / "loadtest.py").write_text("import sys; sys.exit(40 + len(sys.stdin.read()))")
    command = [sys.executable, "-m", "loadtest"]
    assert run_generator(command, generator.folder, generator.log, generator.shown.append) == 40


def test_output_that_is_no_utf_8_is_logged(generator: Generator) -> None:
    assert generator.run(r"import sys; sys.stdout.buffer.write(b'caf\xe9\n')") == 0
    assert generator.log.read_text(encoding="utf-8") == "caf\N{REPLACEMENT CHARACTER}\n"


def test_generator_that_ends_takes_its_children_along(generator: Generator) -> None:
    assert generator.run(HANGS.replace("time.sleep(600)", "os._exit(3)")) == 3
    assert_nothing_runs(generator)


def test_failure_to_show_ends_the_generator(generator: Generator) -> None:
    def fail(_line: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        generator.run(HANGS, fail)
    assert_nothing_runs(generator)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_is_a_keyboard_interrupt_that_ends_the_generator(generator: Generator, number: signal.Signals) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(KeyboardInterrupt):
        generator.run(HANGS, lambda _line: os.kill(os.getpid(), number))
    assert_nothing_runs(generator)
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before


def test_second_signal_does_not_cut_the_ending_short(generator: Generator) -> None:
    source = f"""
import os, pathlib, signal, time
def end(*_):
    os.kill(os.getppid(), signal.SIGINT)
    time.sleep(1)
    pathlib.Path("ended").touch()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path("pids").write_text(str(os.getpid()))
print({json.dumps(EVENT)!r}, flush=True)
time.sleep(600)
"""
    with pytest.raises(KeyboardInterrupt):
        generator.run(source, lambda _line: os.kill(os.getpid(), signal.SIGTERM))
    assert (generator.folder / "ended").exists()
    assert_nothing_runs(generator, 1)


def test_generator_that_will_not_end_is_killed(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_generator, "END_SECONDS", 0.2)
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + HANGS
    with pytest.raises(KeyboardInterrupt):
        generator.run(stubborn, lambda _line: os.kill(os.getpid(), signal.SIGTERM))
    assert_nothing_runs(generator)


def test_death_of_the_parent_is_a_keyboard_interrupt(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([4711, 4711, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    with pytest.raises(KeyboardInterrupt):
        generator.run(HANGS.replace("time.sleep(600)", f"print({json.dumps(EVENT)!r}, flush=True); time.sleep(600)"))
    assert len(generator.shown) == 1
    assert_nothing_runs(generator)


@pytest.mark.parametrize(
    ("logged", "told"),
    [
        ("starting\n--profile: there is no such profile\n", "profile: there is no such profile"),
        ("--accounts-file: no file\n", "accounts_file: no file"),
        ("--output: is there already\n", "run_dir: is there already"),
        ("no users --at all\n", "no users --at all"),
        ("", "bad input"),
    ],
)
def test_refusal_is_the_last_line_with_the_options_own_name(tmp_path: Path, logged: str, told: str) -> None:
    log = tmp_path / "log"
    log.write_text(logged)
    assert refusal(log) == told


def test_tail_is_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\xff first\n" + b"".join(b"line %d\n" % number for number in range(20)))
    assert tail(log).splitlines() == [f"line {number}" for number in range(5, 20)]
