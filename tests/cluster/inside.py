"""The first process in the namespaces of the control plane or of a node: sets them up, runs the parts, takes away what
ends. When it is killed the kernel ends everything in its PID namespace and takes the links, rules and mounts away.

`python -m cluster.inside STATE PART`, run by `unshare`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from cluster import control_plane, node
from cluster.layout import CONTROL_PLANE, NODES, Layout
from cluster.namespaces import join_network, prepare, unshared
from cluster.parts import Part
from cluster.processes import start


def main(state: str, part: str) -> None:
    layout = Layout(Path(state))
    prepare(part)
    if part == CONTROL_PLANE:
        _run_control_plane(layout)
    else:
        _run_node(layout, part)


def _run_control_plane(layout: Layout) -> None:
    control_plane.prepare_network()
    started = [_start(layout, part) for part in control_plane.first_parts(layout)]
    for each in NODES:
        holder = start(unshared(layout, each.name), layout.log(each.name))
        join_network(each, holder.pid)
    control_plane.wait_until_ready(layout)
    started += [_start(layout, part) for part in control_plane.later_parts(layout)]
    _take_away_what_ends(dict(started))


def _run_node(layout: Layout, name: str) -> None:
    this = next(each for each in NODES if each.name == name)
    node.prepare(layout, this)
    runtime = _start(layout, node.runtime(layout, this))
    node.import_images(layout, this)
    control_plane.wait_until_ready(layout)
    _take_away_what_ends(dict([runtime, *(_start(layout, part) for part in node.parts(layout, this))]))


def _start(layout: Layout, part: Part) -> tuple[int, str]:
    return start(part.arguments, layout.log(part.name)).pid, part.name


def _take_away_what_ends(parts: dict[int, str]) -> None:
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            time.sleep(1)
            continue
        if pid in parts:
            print(f"{parts[pid]} ended with {os.waitstatus_to_exitcode(status)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
