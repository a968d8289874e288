"""`python -m cluster up`, `build`, `down`, `enter`: what `make cluster` and its neighbours run."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from cluster import lifecycle, machine
from cluster.build import BuildError, ensure_built
from cluster.layout import CONTROL_PLANE, NODES, Layout
from cluster.processes import enter, environment

_CANNOT = 3
_FAILED = 1


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Layout], int] = options.command
    try:
        return command(options, Layout.of(options.name))
    except (BuildError, lifecycle.ClusterError, LookupError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cluster", description="A real Kubernetes of two nodes for tests.")
    parser.add_argument("--name", default="deepobs", help="which cluster of this machine")
    commands = parser.add_subparsers(required=True)
    commands.add_parser("up", help="start it, anew where it runs").set_defaults(command=_up)
    commands.add_parser("build", help="build what it runs, where that is not there yet").set_defaults(command=_build)
    commands.add_parser("down", help="stop it and remove what it left").set_defaults(command=_down)
    within = commands.add_parser("enter", help="run a program in the namespaces of the control plane or of a node")
    within.add_argument("part", choices=[CONTROL_PLANE, *(node.name for node in NODES)])
    within.add_argument("program", nargs=argparse.REMAINDER)
    within.set_defaults(command=_enter)
    return parser


def _up(options: argparse.Namespace, layout: Layout) -> int:
    if not _can_run(layout):
        return _CANNOT
    lifecycle.up(layout)
    print(f"· {layout.name} is ready; its registry is {lifecycle.registry_name(layout)}. To use it:")
    print(f"export KUBECONFIG={layout.kubeconfig} PATH={layout.programs}:$PATH")
    return 0


def _build(options: argparse.Namespace, layout: Layout) -> int:
    if not _can_run(layout):
        return _CANNOT
    ensure_built()
    return 0


def _can_run(layout: Layout) -> bool:
    reasons = machine.lacks(layout)
    if reasons:
        print("no cluster can run on this machine:", *reasons, sep="\n· ", file=sys.stderr)
    return not reasons


def _down(options: argparse.Namespace, layout: Layout) -> int:
    lifecycle.down(layout)
    return 0


def _enter(options: argparse.Namespace, layout: Layout) -> int:
    command = enter(layout, options.part, options.program or ["bash"])
    return subprocess.run(command, env={**os.environ, **environment()}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
