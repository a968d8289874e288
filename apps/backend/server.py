"""Starts granian with the settings; each of its processes makes its own app."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from backend.settings import Settings

_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_STOP_SECONDS = 10


def serve(settings: Settings) -> int:
    """Serves until SIGTERM or SIGINT; requests that have begun are answered."""
    with _metrics_folder():
        # Loaded once for all processes, and only now: prometheus_client looks for the folder when it is imported.
        importlib.import_module("backend.wsgi")
        Granian(
            "backend.wsgi:app",
            factory=True,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            workers=settings.workers,
            blocking_threads=settings.threads,
            websockets=False,
            log_access=False,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=_STOP_SECONDS,
        ).serve()
    return 0


@contextmanager
def _metrics_folder() -> Iterator[None]:
    """The folder in which processes share their metrics; emptied of an earlier run, or made and removed again."""
    given = os.environ.get(_METRICS_FOLDER)
    folder = Path(given or tempfile.mkdtemp(prefix="backend-metrics-"))
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob("*.db"):
        left_over.unlink()
    os.environ[_METRICS_FOLDER] = str(folder)
    try:
        yield
    finally:
        if not given:
            shutil.rmtree(folder, ignore_errors=True)
