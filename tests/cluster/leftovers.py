"""What a cluster may have left on the machine; nothing, once it was stopped."""

from __future__ import annotations

from pathlib import Path

from cluster import cgroups
from cluster.layout import NODES, Layout


def leftovers(layout: Layout) -> list[str]:
    """A line for each process, mount, cgroup and folder; links and rules end with the processes in their namespaces."""
    found = [f"process {line}" for line in _processes(str(layout.state))]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [f"mount {line}" for line in mounts if str(layout.state) in line]
    for node in NODES:
        found += [f"cgroup {path}" for path in cgroups.find(layout.cgroup(node).removeprefix("/"))]
    return found + ([f"folder {layout.state}"] if layout.state.exists() else [])


def _processes(state: str) -> list[str]:
    """Those that name the cluster's folder; its parts, containers' shims and forwarders all do."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"{state}/" in words or words.endswith(f"{state} "):
            found.append(f"{file.parent.name}: {words[:200]}")
    return found
