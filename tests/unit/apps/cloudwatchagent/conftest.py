"""What the agent's tests run against: a real supervisord, a real stand-in, and a front that can shut."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.closable_front import ClosableFront, closable_front
from support.localaws import localaws_server
from support.supervised import supervisord

_IDLE = "import time\ntime.sleep(3600)\n"
_BUSY_CHILD = """
import os, time
parent = os.getppid()
while os.getppid() == parent:
    begun = time.monotonic()
    while time.monotonic() - begun < 0.05: pass
    time.sleep(0.05)
"""
_BUSY = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_BUSY_CHILD!r}])\n"


@pytest.fixture(scope="session")
def aws_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with localaws_server(tmp_path_factory.mktemp("localaws")) as url:
        yield url


@pytest.fixture
def front(aws_url: str) -> Iterator[ClosableFront]:
    """AWS behind a front that answers 503 while it is closed."""
    with closable_front(aws_url) as front:
        yield front


@pytest.fixture(scope="session")
def supervisor_url() -> Iterator[str]:
    """A supervisord with a busy program, whose child does the work, and three idle ones."""
    programs = {"backend": _BUSY, "redis": _IDLE, "postgresql": _IDLE, "unwanted": _IDLE}
    with (
        tempfile.TemporaryDirectory(prefix="deepobs-", dir="/tmp") as folder,
        supervisord(Path(folder), programs) as url,
    ):
        yield url
