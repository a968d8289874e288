"""When what was counted is added up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from serving.flusher import Flusher
from support.waiting import eventually

APPS = Path(__file__).resolve().parents[4] / "apps"
ENDING = """
import sys
sys.path.insert(0, sys.argv[1])
from serving.flusher import Flusher
Flusher(lambda: print("flushed")).start()
"""


def test_functions_are_called_again_and_again_though_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    called: list[int] = []

    def fails() -> None:
        raise OSError("the disk is full")

    flusher = Flusher(fails, lambda: called.append(1))
    flusher.start()
    eventually(lambda: len(called) >= 3)
    flusher.stop()
    assert "the disk is full" in caplog.text


def test_functions_are_called_once_more_when_a_process_ends() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDING, str(APPS)], capture_output=True, text=True, check=True)
    assert ended.stdout == "flushed\n"
