"""`python -m cloudwatchagent`: publishes until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

from cloudwatchagent.agent import Agent
from cloudwatchagent.settings import Settings, SettingsError


def main() -> int:
    """Runs to the end; returns the exit status: 0, or 2 for settings that cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    # It logs a traceback at each attempt to get credentials, which is told once in one line instead.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    stopping = _stopping()
    try:
        agent = Agent(Settings.from_environment(os.environ))
    except SettingsError as error:
        print(f"cloudwatchagent: {error}", file=sys.stderr)
        return 2
    agent.run(stopping)
    return 0


def _stopping() -> threading.Event:
    """Is set at SIGTERM or SIGINT.

    By a thread that waits for them: a handler that sets an Event can meet its own thread inside the Event's lock.
    """
    stopping, signals = threading.Event(), (signal.SIGTERM, signal.SIGINT)

    def wait() -> None:
        signal.sigwait(signals)
        stopping.set()

    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stopping


if __name__ == "__main__":
    sys.exit(main())
