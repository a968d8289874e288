"""Starts and stops a cluster."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from typing import Final

from cluster import addons, cgroups, control_plane, node
from cluster.build import ensure_built
from cluster.forwarding import start_forwarder
from cluster.keys import kubeconfig, make_keys
from cluster.layout import (
    API_PORT,
    CONTROL_PLANE,
    CONTROL_PLANE_ADDRESS,
    NODES,
    REGISTRY_PORT,
    Layout,
)
from cluster.leftovers import leftovers
from cluster.namespaces import unshared, wait_for
from cluster.processes import environment, find, find_inner, kill, start
from cluster.readiness import wait_until_ready

_PREFERRED_API_PORT: Final = 16443
_PREFERRED_REGISTRY_PORT: Final = 15000
_API_SECONDS: Final = 90.0


class ClusterError(Exception):
    """A cluster did not come up; the message names the logs."""


def up(layout: Layout) -> None:
    """Starts a cluster and returns when it is ready. Raises BuildError and ClusterError."""
    build = ensure_built()
    down(layout)
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"  {time.monotonic() - began:5.1f} s: {what}", flush=True)

    layout.state.mkdir(parents=True, mode=0o700)
    (layout.state / "build").symlink_to(build)
    api, registry = _free_port(_PREFERRED_API_PORT), _free_port(_PREFERRED_REGISTRY_PORT)
    _write_files(layout, api, registry)
    start(unshared(layout, CONTROL_PLANE), layout.log(CONTROL_PLANE))
    try:
        wait_for(lambda: find_inner(layout, CONTROL_PLANE) is not None, "the control plane's namespaces")
        _forward_from_this_machine(layout, {api: API_PORT, registry: REGISTRY_PORT})
        wait_for(lambda: _apply_addons(layout), "the API server", _API_SECONDS)
        say("the API server answers")
        wait_until_ready(layout.kubeconfig, len(NODES), say)
    except (OSError, LookupError) as error:
        raise ClusterError(f"the cluster did not come up: {error}\nits logs are in {layout.logs}") from error


def down(layout: Layout) -> None:
    """Ends a cluster, whatever is left of it, and removes what it left. Raises TimeoutError."""
    inner = find_inner(layout, CONTROL_PLANE)
    kill([*([inner] if inner else []), *find(layout, "inside"), *find(layout, "forward")])
    for each in NODES:
        cgroups.remove(layout.cgroup(each).removeprefix("/"))
    if layout.state.exists():
        shutil.rmtree(layout.state)
    if left := leftovers(layout):
        raise TimeoutError("left behind: " + "; ".join(left))


def registry_name(layout: Layout) -> str:
    """What images of the cluster's registry are called, on this machine and on the nodes."""
    return (layout.state / "registry-name").read_text().strip()


def _write_files(layout: Layout, api_port: int, registry_port: int) -> None:
    make_keys(layout)
    registry = f"127.0.0.1:{registry_port}"
    (layout.state / "registry-name").write_text(registry)
    control_plane.write_files(layout)
    for each in NODES:
        node.write_files(layout, each, registry)
    layout.kubeconfig.touch(mode=0o600)
    layout.kubeconfig.write_text(kubeconfig(layout, "admin", f"https://127.0.0.1:{api_port}"))


def _forward_from_this_machine(layout: Layout, ports: dict[int, int]) -> None:
    for here, there in ports.items():
        start_forwarder(layout, ("self", f"127.0.0.1:{here}"), (CONTROL_PLANE, f"{CONTROL_PLANE_ADDRESS}:{there}"))


def _apply_addons(layout: Layout) -> bool:
    """Whether the API server took them; before it is ready it takes none or some."""
    kubectl = [str(layout.programs / "kubectl"), f"--kubeconfig={layout.kubeconfig}", "--request-timeout=20s"]
    command = [*kubectl, "apply", "--server-side", "--filename=-"]
    done = subprocess.run(
        command, input=addons.manifests(layout), capture_output=True, text=True, check=False, env=environment()
    )
    layout.log("addons").write_text(done.stdout + done.stderr)
    return done.returncode == 0


def _free_port(preferred: int) -> int:
    """The preferred port of 127.0.0.1, or another one where somebody has that."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ClusterError("127.0.0.1 has no free port")
