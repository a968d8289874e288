"""A stopped cluster leaves nothing on the machine, however it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import machine
from cluster.layout import CONTROL_PLANE, NODES, Layout
from cluster.leftovers import leftovers
from cluster.processes import environment, find_inner
from cluster.running import eventually

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def another() -> Iterator[Layout]:
    """A cluster beside that of the other tests; it is down before and after."""
    layout = Layout.of("stop")
    if "KUBECONFIG" in os.environ:
        pytest.skip("this is about the project's own cluster, and KUBECONFIG names another one")
    if reasons := machine.lacks(layout):
        pytest.skip("no cluster can run here: " + "; ".join(reasons))
    run(layout, "down")
    yield layout
    run(layout, "down")


def command(layout: Layout, name: str) -> list[str]:
    return [sys.executable, "-m", "cluster", "--name", layout.name, name]


def run(layout: Layout, name: str) -> None:
    subprocess.run(command(layout, name), check=True, env=environment())


def machine_now() -> dict[str, str]:
    """What a cluster could have changed for others."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    folders = [Path("/var/lib/kubelet"), Path("/var/lib/cni"), Path("/run/containerd"), Path("/run/netns")]
    there = " ".join(str(folder) for folder in folders if folder.exists())
    return {"links": links, "rules": rules, "mounts": Path("/proc/mounts").read_text(), "folders": there}


def kill_starter_midway(layout: Layout) -> None:
    """Kills what starts the cluster as soon as its first node has containers' runtime."""
    with subprocess.Popen(command(layout, "up"), env=environment(), stdout=subprocess.DEVNULL) as starter:
        eventually(lambda: layout.containerd(NODES[0]).exists(), "the first node's containerd")
        time.sleep(1)
        starter.kill()


def stop(layout: Layout) -> None:
    run(layout, "up")


def kill_control_plane(layout: Layout) -> None:
    run(layout, "up")
    kill_first_process(layout, CONTROL_PLANE)


def kill_node(layout: Layout) -> None:
    run(layout, "up")
    kill_first_process(layout, NODES[0].name)


def kill_first_process(layout: Layout, part: str) -> None:
    pid = find_inner(layout, part)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("end", [stop, kill_control_plane, kill_node, kill_starter_midway])
def test_nothing_is_left(another: Layout, end: Callable[[Layout], None]) -> None:
    before = machine_now()
    end(another)
    assert leftovers(another) != []
    run(another, "down")
    assert leftovers(another) == []
    assert machine_now() == before
