"""Local worker processes under Locust's master: they run the users and send every outcome to the one recorder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import gevent
from locust.rpc import Message
from locust.runners import MasterRunner

from loadtest.ending import GeneratorError
from loadtest.plan import Plan
from loadtest.recorder import Outcome

OUTCOMES_MESSAGE = "outcomes"
_READY_SECONDS = 30.0
_COLLECT_SECONDS = 15.0
_POLL_SECONDS = 0.05


class WorkerCrew:
    """The worker processes of one test; they are gone when the block ends."""

    def __init__(self, plan: Plan, master: MasterRunner) -> None:
        self._plan = plan
        self._master = master
        self._processes: list[subprocess.Popen[bytes]] = []
        self._finished: set[str] = set()
        self._used_up: set[str] = set()
        self._known_faults: set[str] = set()
        self.record: Callable[[Outcome], None] | None = None
        master.register_message(OUTCOMES_MESSAGE, self._receive)

    def __enter__(self) -> Self:
        for index in range(self._plan.workers):
            self._processes.append(self._start(index))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()
        self._master.greenlet.kill(block=True)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    @property
    def used_up_requests(self) -> bool:
        """True when every worker has made all the requests it may make."""
        return len(self._used_up) == self._plan.workers

    def wait_until_ready(self) -> None:
        """Returns once all workers have reported; raises GeneratorError when one ends or the time is over."""
        self._wait(_READY_SECONDS, lambda: len(self._master.clients.ready) == self._plan.workers)
        if len(self._master.clients.ready) < self._plan.workers:
            raise GeneratorError("; ".join(self.faults()) or f"the workers were not ready within {_READY_SECONDS:g} s")

    def faults(self) -> list[str]:
        """What went wrong with workers since the last call."""
        ended = {
            f"worker {index} ended with {process.returncode}"
            for index, process in enumerate(self._processes)
            if process.poll() is not None
        }
        new = ended - self._known_faults
        self._known_faults |= new
        return sorted(new)

    def collect(self) -> list[str]:
        """Waits for every worker's last outcomes; returns what is missing."""
        self._wait(_COLLECT_SECONDS, lambda: len(self._finished) == self._plan.workers)
        missing = self._plan.workers - len(self._finished)
        return [*self.faults(), *([f"{missing} workers did not hand in their last results"] if missing else [])]

    def _start(self, index: int) -> subprocess.Popen[bytes]:
        folder = str(Path(__file__).parents[1])
        search_path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(
            [sys.executable, "-m", "loadtest", "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": search_path},
            # Ctrl-C at a terminal reaches a whole session; the master decides when workers end.
            start_new_session=True,
        )
        order = {"plan": self._plan.as_json(), "index": index, "master_port": self._master.server.port}
        assert process.stdin is not None  # noqa: S101 - asked for above
        with process.stdin as pipe:
            pipe.write(json.dumps(order).encode())
        return process

    def _receive(self, environment: Any, msg: Message, **_unused: Any) -> None:
        """A worker's outcomes since its last message."""
        assert self.record is not None  # noqa: S101 - users start after the recorder is there
        for values in msg.data["outcomes"]:
            self.record(Outcome(*values))
        if msg.data["used_up"]:
            self._used_up.add(msg.node_id)
        if msg.data["finished"]:
            self._finished.add(msg.node_id)

    def _wait(self, seconds: float, is_done: Callable[[], bool]) -> None:
        """Until it is done, the time is over or a worker has ended."""
        deadline = time.monotonic() + seconds
        while not is_done() and time.monotonic() < deadline:
            if any(process.poll() is not None for process in self._processes):
                return
            gevent.sleep(_POLL_SECONDS)
