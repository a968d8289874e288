"""What a converged rerun of the observability playbook costs, over as many tasks that only start a module.

Usage: python tests/benchmarks/playbook.py (by `make bench-playbook`, which sets the paths). The plays alternate; the
figures are medians of the CPU seconds, user and system, of ansible-playbook and all its children, with the wall
seconds beside them. The stand-in's own CPU is not in it. There are two floors: one no-op for each task of the
playbook, and a stricter one for which only tasks count that start a module on the target.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Bound, publish
from support.playbooks import ROOT, Platform, process_platform

ROUNDS = 5
BOUNDS = {"excess_seconds": Bound(at_most=2.0)}


class Cost(NamedTuple):
    """Seconds that a command took."""

    cpu: float
    wall: float


def measured(command: Sequence[str], environment: dict[str, str]) -> tuple[Cost, str]:
    """Runs a command to its end; its cost and what it printed. Raises RuntimeError where it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall), done.stdout


class Counts(NamedTuple):
    """How many tasks a playbook runs, and how often one of them, or an item of its loop, starts a module."""

    tasks: int
    module_runs: int


def counts_of(platform: Platform) -> Counts:
    """What the converged playbook runs. Raises RuntimeError where it still changes something."""
    environment = {**platform.environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    _cost, output = measured(platform.command("playbooks/observability.yml"), environment)
    document = json.loads(output[output.index("{") :])
    results = [host for play in document["plays"] for task in play["tasks"] for host in task["hosts"].values()]
    if any(result.get("changed") for result in results):
        raise RuntimeError("the playbook is not converged")
    items = [item for result in results for item in result.get("results", [result])]
    return Counts(len(results), sum("invocation" in item for item in items))


def floor_play(folder: Path, tasks: int) -> Path:
    """A playbook of as many tasks with a module that does nothing."""
    play = {
        "name": "The floor",
        "hosts": "deepobs",
        "gather_facts": False,
        "tasks": [{"name": f"No-op {number}", "ansible.builtin.ping": {}} for number in range(1, tasks + 1)],
    }
    path = folder / f"floor-{tasks}.yml"
    path.write_text(json.dumps([play]))
    return path


def compare(platform: Platform) -> dict[str, float]:
    """Runs the plays in turn; the figures."""
    counts = counts_of(platform)
    commands = {
        "converged": platform.command("playbooks/observability.yml"),
        "floor": platform.command(str(floor_play(platform.state_dir, counts.tasks))),
        "module_floor": platform.command(str(floor_play(platform.state_dir, counts.module_runs))),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(1, ROUNDS + 1):
        for name, command in commands.items():
            costs[name].append(measured(command, platform.environment)[0])
        sys.stderr.write(f"· round {number} of {ROUNDS}\n")
    figures = {name: float(count) for name, count in counts._asdict().items()}
    for name, taken in costs.items():
        figures[f"{name}_seconds"] = statistics.median(cost.cpu for cost in taken)
        figures[f"{name}_wall_seconds"] = statistics.median(cost.wall for cost in taken)
    figures["excess_seconds"] = _excess(costs["converged"], costs["floor"])
    figures["excess_over_module_floor_seconds"] = _excess(costs["converged"], costs["module_floor"])
    return figures


def _excess(mine: Sequence[Cost], floor: Sequence[Cost]) -> float:
    """The median, round by round, of the CPU seconds over a floor."""
    return statistics.median(cost.cpu - least.cpu for cost, least in zip(mine, floor, strict=True))


def main() -> int:
    """Prints and writes the figures; 1 where the rerun costs too much."""
    with process_platform("bench") as platform:
        for playbook in ("preflight", "observability"):
            sys.stderr.write(f"· {playbook}\n")
            if (played := platform.play(playbook)).return_code != 0:
                raise RuntimeError(played.output)
        figures = compare(platform)
    return publish("playbook", figures, BOUNDS)


if __name__ == "__main__":
    os.environ.setdefault("ANSIBLE_FORCE_COLOR", "0")
    sys.exit(main())
