"""Starts the storefront: checks the settings, then runs granian with them. Exit 2 for a wrong setting."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.server import MPServer
from tracing import SettingsError

from frontend.settings import Settings


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    try:
        settings = Settings.from_environment(os.environ)
        _check_address(settings)
    except SettingsError as problem:
        print(f"frontend: {problem}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="frontend-metrics-") as folder:
        _prepare_metrics_folder(folder)
        _server(settings).serve()
    return 0


def _check_address(settings: Settings) -> None:
    """Raises SettingsError for an address that is taken: granian would share the port with whoever has it."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            address = f"{settings.host}:{settings.port}"
            raise SettingsError(
                f"cannot listen on {address}: {problem.strerror}; set FRONTEND_HOST or FRONTEND_PORT"
            ) from problem


def _prepare_metrics_folder(fallback: str) -> None:
    """Workers write their counters into files here; those of an earlier run would be counted again."""
    folder = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", fallback))
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("*.db"):
        leftover.unlink()


def _server(settings: Settings) -> MPServer:
    return MPServer(
        "frontend.wsgi:app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        http=HTTPModes.http1,
        websockets=False,
        log_access=False,
    )


if __name__ == "__main__":
    sys.exit(main())
