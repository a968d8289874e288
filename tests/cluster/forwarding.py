"""Starts forwarders between this machine and a cluster's namespaces."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.layout import CONTROL_PLANE, CONTROL_PLANE_ADDRESS, Layout
from cluster.processes import command, find_inner, start

_HERE = "self"


def start_forwarder(layout: Layout, listen: tuple[str, str], connect: tuple[str, str]) -> subprocess.Popen[bytes]:
    """Passes on what comes to an address in one place to one in another; a place is a part, or `self` for this machine.

    It ends with the cluster. Raises LookupError where a part does not run.
    """
    life = _first_process(layout, CONTROL_PLANE)
    places = [(str(_first_process(layout, place)), address) for place, address in (listen, connect)]
    return start(
        command("forward", layout, *places[0], *places[1], str(life)),
        layout.log(f"forward-{listen[1].replace(':', '-')}"),
    )


@contextmanager
def reachable_from_pods(layout: Layout, port: int) -> Iterator[str]:
    """Lets pods reach a server of this machine's loopback; yields the address they reach it by."""
    address = f"{CONTROL_PLANE_ADDRESS}:{port}"
    with _forwarder(layout, (CONTROL_PLANE, address), (_HERE, f"127.0.0.1:{port}")):
        yield address


@contextmanager
def _forwarder(layout: Layout, listen: tuple[str, str], connect: tuple[str, str]) -> Iterator[None]:
    process = start_forwarder(layout, listen, connect)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _first_process(layout: Layout, place: str) -> int:
    if place == _HERE:
        return os.getpid()
    pid = find_inner(layout, place)
    if pid is None:
        raise LookupError(f"{place} of the cluster {layout.name} does not run")
    return pid
