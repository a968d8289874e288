"""Adds up what a process has counted: a few times a second in a thread, and once more at the process' end."""

from __future__ import annotations

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
        self._at_end: util.Finalize | None = None

    def start(self) -> None:
        """Begins, and sees to the last time."""
        threading.Thread(target=self._run, name="flusher", daemon=True).start()
        # Not atexit, which a process that multiprocessing has made skips.
        self._at_end = util.Finalize(None, self.flush, exitpriority=10)

    def stop(self) -> None:
        """Calls them no more."""
        self._stopped.set()
        if self._at_end is not None:
            self._at_end.cancel()

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
