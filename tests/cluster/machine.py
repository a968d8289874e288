"""What the cluster needs of a machine, and what of it is missing, said so that somebody can bring it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from cluster.layout import Layout, Node
from cluster.node import CNI_PLUGINS
from cluster.processes import environment

_PROGRAMS: Final = ("containerd", "ctr", "ip", "iptables", "mount", "nft", "nsenter", "runc", "unshare")
_SOCKET_PATH_CHARACTERS: Final = 107
_COVERED: Final = ("/run", "/var/lib", "/var/log")


def lacks(layout: Layout) -> list[str]:
    """Why a cluster cannot run here; nothing where it can."""
    if sys.platform != "linux":
        return ["nodes are Linux namespaces, and this is not Linux"]
    if os.geteuid() != 0:
        return ["network namespaces, mounts and cgroups of a cluster want root"]
    return [*_missing_programs(), *_unfit_folder(layout), *_refused_by_kernel()]


def _missing_programs() -> list[str]:
    path = environment()["PATH"]
    missing = [program for program in (*_PROGRAMS, "go") if shutil.which(program, path=path) is None]
    if not any(Path(folder, "bridge").exists() for folder in CNI_PLUGINS):
        missing.append("the CNI plugins")
    return [f"not installed: {', '.join(missing)}"] if missing else []


def _unfit_folder(layout: Layout) -> list[str]:
    reasons = []
    if len(str(layout.containerd(Node(1)))) > _SOCKET_PATH_CHARACTERS:
        reasons.append(f"{layout.state} is too long a path for a Unix socket in it: set XDG_CACHE_HOME")
    if any(layout.state.is_relative_to(folder) for folder in _COVERED):
        reasons.append(f"{layout.state} is where each node sees a folder of its own: set XDG_CACHE_HOME")
    return reasons


def _refused_by_kernel() -> list[str]:
    """Containers often have root without leave for what it takes; modules may not be loaded yet."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-qa", "br_netfilter", "overlay"], capture_output=True, check=False)
    if shutil.which("unshare") is None:
        return []
    tried = "ip link add bridge0 type bridge && mount -t tmpfs tmpfs /run"
    command = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-ec", tried]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    reasons = [] if done.returncode == 0 else [f"namespaces with a bridge and mounts: {done.stderr.strip()}"]
    if not os.access("/sys/fs/cgroup", os.W_OK):
        reasons.append("/sys/fs/cgroup cannot be written")
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        reasons.append("the kernel has no overlay file system")
    return reasons
