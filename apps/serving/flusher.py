"""Adds up what a process has counted: a few times a second in a thread, and once more at the process' end."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from multiprocessing import util

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1


class Flusher:
    """Calls functions every FLUSH_SECONDS. Start it in the process that serves: a fork does not inherit its thread."""

    def __init__(self, *functions: Callable[[], object]) -> None:
        self._functions = functions
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begins, and sees to the last time."""
        threading.Thread(target=self._run, name="flusher", daemon=True).start()
        # Finalize is for processes that multiprocessing has made, which skip atexit.
        util.Finalize(None, self.flush, exitpriority=10)
        atexit.register(self.flush)

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped.set()

    def flush(self) -> None:
        """Calls each function once."""
        for function in self._functions:
            try:
                function()
            except Exception:
                logger.exception("what was counted could not be added up, and is kept for the next time")

    def _run(self) -> None:
        while not self._stopped.wait(FLUSH_SECONDS):
            self.flush()
