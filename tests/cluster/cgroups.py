"""The cgroups that the nodes' pods run in: the only thing of a cluster that namespaces do not take away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")
_EMPTY_WITHIN_SECONDS: Final = 10.0
# Version 2 has one hierarchy, whose root says which controllers there are.
_CONTROLLERS: Final = "cgroup.controllers"


def hierarchies() -> list[Path]:
    """One folder where the machine has cgroups of version 2, one for each controller with version 1."""
    if (_ROOT / _CONTROLLERS).exists():
        return [_ROOT]
    return [path for path in sorted(_ROOT.iterdir()) if path.is_dir() and not path.is_symlink()]


def make(name: str) -> None:
    """Makes a cgroup in each hierarchy: the kubelet refuses a root of its own that is absent in one."""
    if (_ROOT / _CONTROLLERS).exists():
        wanted = [f"+{controller}" for controller in (_ROOT / _CONTROLLERS).read_text().split()]
        (_ROOT / "cgroup.subtree_control").write_text(" ".join(wanted))
    for hierarchy in hierarchies():
        folder = hierarchy / name.removeprefix("/")
        folder.mkdir(exist_ok=True)
        if hierarchy.name == "cpuset":
            for file in ("cpuset.cpus", "cpuset.mems"):
                (folder / file).write_text((hierarchy / file).read_text())


def remove(prefix: str) -> None:
    """Removes every cgroup whose name begins so; its processes have ended. Raises TimeoutError."""
    deadline = time.monotonic() + _EMPTY_WITHIN_SECONDS
    while found := list(find(prefix)):
        for top in found:
            for folder in [*sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True), top]:
                _remove(folder)
        if time.monotonic() > deadline:
            raise TimeoutError(f"the cgroups {', '.join(map(str, found))} cannot be removed")


def find(prefix: str) -> Iterator[Path]:
    """The topmost cgroups whose names begin so."""
    for hierarchy in hierarchies():
        yield from hierarchy.glob(f"{prefix}*")


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except FileNotFoundError:
        pass
    except OSError:
        time.sleep(0.05)  # the kernel is not done with the processes that ended in it
