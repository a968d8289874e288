"""Takes segments in and throws them away: a process beside the servers, which costs the machine little."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from xraydaemon.receiver import Receiver


class Sink:
    """A running sink: its port, and how many segments have come to it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.port: int = pipe.recv()

    def arrived(self) -> int:
        """Datagrams so far, also those that the kernel threw away because they came too fast."""
        self._pipe.send(None)
        count: int = self._pipe.recv()
        return count


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink on a free port of 127.0.0.1."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_drain, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Sink(ours)
    finally:
        ours.close()
        process.join()


def _drain(pipe: Connection) -> None:
    """The process' work; it ends when the other end of the pipe is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    received = 0

    def accept(_datagram: bytes) -> None:
        nonlocal received
        received += 1

    receiver = Receiver(("127.0.0.1", 0), accept)
    receiver.start()
    with suppress(EOFError, OSError):
        pipe.send(receiver.address[1])
        while True:
            pipe.recv()
            pipe.send(received + receiver.lost_in_socket())
