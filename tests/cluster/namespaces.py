"""Linux namespaces of the control plane and the nodes, and the network between them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from cluster.layout import CONTROL_PLANE_ADDRESS, NODES, Layout, Node
from cluster.processes import command

_WAIT_SECONDS = 20.0


def unshared(layout: Layout, part: str) -> list[str]:
    """The command line that runs a part's first process in namespaces of its own, with which they end."""
    spaces = ["--net", "--mount", "--uts", "--pid", "--fork", "--kill-child=KILL"]
    return ["unshare", *spaces, "--propagation", "private", "--mount-proc", *command("inside", layout, part)]


def prepare(name: str) -> None:
    """Sets up what every part's namespaces have. Called in them."""
    system("hostname", name)
    system("mount", "--make-rshared", "/")
    system("ip", "link", "set", "lo", "up")
    setting("net/ipv4/ip_forward", "1")


def join_network(node: Node, holder: int) -> None:
    """Joins a node, whose first process is the child of `holder`, to the control plane's bridge. Called beside it."""
    children = Path(f"/proc/{holder}/task/{holder}/children")
    wait_for(lambda: bool(children.read_text().split()), f"the namespaces of {node.name}")
    inner, outer = children.read_text().split()[0], f"to-{node.name}"
    # unshare forks before it has made the child's mounts, but after it has made the network namespace.
    system("ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", inner)
    system("ip", "link", "set", outer, "master", "bridge0", "up")
    system("ip", "route", "add", node.pod_network, "via", node.address)


def join_from_inside(node: Node) -> None:
    """Takes the link that the control plane has put here. Addresses of pods are never masqueraded on the way."""
    # Not by /sys, which is the machine's and shows its links.
    wait_for(lambda: "eth0" in [name for _, name in socket.if_nameindex()], "the node's link")
    system("ip", "address", "add", f"{node.address}/24", "dev", "eth0")
    system("ip", "link", "set", "eth0", "up")
    system("ip", "route", "add", "default", "via", CONTROL_PLANE_ADDRESS)
    for other in NODES:
        if other != node:
            system("ip", "route", "add", other.pod_network, "via", other.address)


def system(*arguments: str) -> None:
    """Runs a program of the system. Raises subprocess.CalledProcessError."""
    subprocess.run(arguments, check=True)


def setting(name: str, value: str) -> None:
    """Sets one of the kernel's settings, of these namespaces where it is theirs."""
    Path("/proc/sys", name).write_text(value)


def wait_for(holds: Callable[[], bool], what: str, timeout_seconds: float = _WAIT_SECONDS) -> None:
    """Returns once a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not there within {timeout_seconds:.0f} s")
        time.sleep(0.02)
