"""Starts the storefront: checks the settings, then runs granian with them. Exit 2 for a wrong setting."""

from __future__ import annotations

import os
import sys

from serving.server import AddressError, Tier, serve
from tracing import SettingsError

from frontend.settings import Settings

_BAD_INPUT = 2


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    try:
        settings = Settings.from_environment(os.environ)
        host, port = settings.host, settings.port
        serve(Tier("frontend", host, port, settings.workers, settings.threads, settings.idle_seconds))
    except (SettingsError, AddressError) as problem:
        print(f"frontend: {problem}", file=sys.stderr)
        return _BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
