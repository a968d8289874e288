"""Starts granian with a tier's settings; each of its processes makes its own app."""

from __future__ import annotations

import ctypes
import functools
import gc
import importlib
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer, mp

from serving.bodies import BodyLimits
from serving.gateway import Application, Gateway
from serving.listening import take_no_more

_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_STOP_SECONDS = 10
# How long clients are told to close their connections, and no new ones are taken, before the rest of them is closed.
_FAREWELL_SECONDS = 0.3
_FAREWELL = signal.SIGUSR1
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
# A request makes some hundred objects that hold others; Python's 700 would have nearly every request collected within.
_COLLECTED_AFTER_OBJECTS = 10_000


class AddressError(OSError):
    """A tier cannot listen where it is told to; the message names the variables that say where."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What is served, and how: `name` is the package with the factory `wsgi:app`, and the start of its variables.

    A connection may be `idle_seconds` without the whole head of a request.
    """

    name: str
    host: str
    port: int
    workers: int
    threads: int
    idle_seconds: int = 75


def serve(tier: Tier) -> None:
    """Serves until SIGTERM or SIGINT; requests that have begun are answered. Raises AddressError."""
    _check_address(tier)
    with _metrics_folder(tier.name):
        # Loaded once for all processes, and only now: prometheus_client looks for the folder when it is imported.
        importlib.import_module(f"{tier.name}.wsgi")
        _server(tier).serve()


def factory(
    make: Callable[[], Application | tuple[Application, BodyLimits]],
) -> Callable[[], Gateway]:
    """Decorates what makes the app of one process, which can then be ended meanwhile, and ends with its parent.

    Until granian serves, a process still has its parent's handler of SIGTERM, which would do nothing here.
    """

    @functools.wraps(make)
    def made() -> Gateway:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(_FAREWELL, signal.SIG_IGN)
        _end_with_parent()
        app = make()
        gateway = Gateway(*app) if isinstance(app, tuple) else Gateway(app)
        signal.signal(_FAREWELL, lambda *_unused: _say_farewell(gateway))
        _spare_the_collector()
        return gateway

    return made


def _say_farewell(gateway: Gateway) -> None:
    gateway.close_connections()
    take_no_more()


def _own_gateway(gateway: Gateway, *_unused: Any) -> Gateway:
    return gateway


# In place of what granian wraps an application in: that lets the client hold the thread.
mp.__dict__["_wsgi_call_wrap"] = _own_gateway


class _Server(MPServer):
    """Tells clients to close their connections before the processes do, which would lose what is sent meanwhile."""

    def _stop_workers(self) -> None:
        for worker in self.wrks:
            if worker.inner.is_alive():
                os.kill(worker.inner.pid, _FAREWELL)
        time.sleep(_FAREWELL_SECONDS)
        super()._stop_workers()  # type: ignore[no-untyped-call]


def _spare_the_collector() -> None:
    """What an app is made of lives as long as its process: the garbage collector need not look at it ever again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER_OBJECTS)


def _end_with_parent() -> None:
    """Where the parent is killed, this process would keep the port, and the next start would find it taken.

    By SIGKILL: granian does not hear a SIGTERM that comes just before it serves, and nobody is left to repeat it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():
        signal.raise_signal(signal.SIGKILL)  # it died before that


def _server(tier: Tier) -> _Server:
    return _Server(
        f"{tier.name}.wsgi:app",
        factory=True,
        address=tier.host,
        port=tier.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=tier.workers,
        blocking_threads=tier.threads,
        http1_settings=HTTP1Settings(header_read_timeout=1000 * tier.idle_seconds),
        websockets=False,
        log_access=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
    )


def _check_address(tier: Tier) -> None:
    """Raises AddressError for an address that is taken: granian would share the port with whoever has it."""
    family = socket.AF_INET6 if ":" in tier.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((tier.host, tier.port))
        except OSError as problem:
            prefix = tier.name.upper()
            raise AddressError(
                f"cannot listen on {tier.host}:{tier.port}: {problem.strerror}; set {prefix}_HOST or {prefix}_PORT"
            ) from problem


@contextmanager
def _metrics_folder(name: str) -> Iterator[None]:
    """The folder in which processes share their metrics; emptied of an earlier run, or made and removed again."""
    given = os.environ.get(_METRICS_FOLDER)
    folder = Path(given or tempfile.mkdtemp(prefix=f"{name}-metrics-"))
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob("*.db"):
        left_over.unlink()
    os.environ[_METRICS_FOLDER] = str(folder)
    try:
        yield
    finally:
        if not given:
            shutil.rmtree(folder, ignore_errors=True)
