"""`python -m xraydaemon`: runs the daemon until SIGTERM or SIGINT."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Final

from xraydaemon.daemon import AddressError, Daemon
from xraydaemon.settings import Settings, SettingsError

_SWITCH_INTERVAL_SECONDS: Final = 0.001
"""The receiver must not wait Python's usual 5 ms for an uploader: that is 20 datagrams at 4,000 a second."""
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Runs to the end; returns the exit status: 0, or 2 for settings or ports that cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    # It logs a traceback at each attempt to get credentials, which is told once in one line instead.
    logging.getLogger("botocore.credentials").setLevel(logging.CRITICAL)
    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
    # They are fetched, not handled: a handler that sets an Event can meet its own thread inside the Event's lock.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    try:
        daemon = Daemon(Settings.from_environment(os.environ))
    except (SettingsError, AddressError) as error:
        print(f"xraydaemon: {error}", file=sys.stderr)
        return 2
    daemon.start()
    signal.sigwait(_STOPPING)
    daemon.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
