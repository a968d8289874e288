"""CPU and memory of real processes with their children."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cloudwatchagent.processes import ProcessMeter

_PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "x = bytearray(100_000_000)\\nprint(1, flush=True)\\nwhile True: pass"])
child.wait()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    """A process that waits for its child, which holds 100 MB and computes; it is there once the child printed."""
    command = [sys.executable, "-c", _PARENT]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    yield process
    os.killpg(process.pid, 9)
    process.communicate()


def test_children_count_for_their_program(parent: subprocess.Popen[str]) -> None:
    meter = ProcessMeter()
    assert meter.measure({"app": parent.pid}) == {}
    usage = meter.measure({"app": parent.pid})
    while usage["app"].cpu_percent == 0:
        usage = meter.measure({"app": parent.pid})
    assert usage["app"].cpu_percent > 0
    assert usage["app"].memory_percent > 100 * 100_000_000 / os.sysconf("SC_PAGE_SIZE") / os.sysconf("SC_PHYS_PAGES")


def test_process_that_is_gone_is_left_out() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    meter = ProcessMeter()
    meter.measure({"app": ended.pid, "self": os.getpid()})
    assert set(meter.measure({"app": ended.pid, "self": os.getpid()})) == {"self"}
