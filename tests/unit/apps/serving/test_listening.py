"""A process that takes no new connections any more; one of its own, as it is all of its sockets that do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

APPS = Path(__file__).resolve().parents[4] / "apps"
PROGRAM = """
import socket
from serving.listening import take_no_more

with socket.create_server(("127.0.0.1", 0)) as server:
    address = server.getsockname()
    with socket.create_connection(address) as waiting, socket.socket() as late:
        take_no_more()
        late.settimeout(0.3)
        try:
            late.connect(address)
        except TimeoutError:
            print("no more")
        waiting.sendall(b"taken all the same")
        taken, _unused = server.accept()
        with taken:
            print(taken.recv(100).decode())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters what comes to a socket")
def test_new_connections_are_not_taken_and_waiting_ones_are() -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(APPS)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines() == ["no more", "taken all the same"]
