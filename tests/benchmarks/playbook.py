"""What a converged rerun of the observability playbook costs, over as many tasks that only start a module.

Usage: python tests/benchmarks/playbook.py (by `make bench-playbook`, which sets the paths). The two plays alternate;
the figures are medians of the CPU seconds, user and system, of ansible-playbook and all its children, with the wall
seconds beside them. The stand-in's own CPU is not in it.
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


def module_runs(platform: Platform) -> int:
    """How often the converged playbook starts a module: every result, of a task or of a loop's item, that has one.

    Raises RuntimeError where the playbook still changes something.
    """
    environment = {**platform.environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    _cost, output = measured(platform.command("playbooks/observability.yml"), environment)
    document = json.loads(output[output.index("{") :])
    results = [host for play in document["plays"] for task in play["tasks"] for host in task["hosts"].values()]
    if any(result.get("changed") for result in results):
        raise RuntimeError("the playbook is not converged")
    items = [item for result in results for item in result.get("results", [result])]
    return sum("invocation" in item for item in items)


def floor_play(folder: Path, tasks: int) -> Path:
    """A playbook of as many tasks with a module that does nothing."""
    play = {
        "name": "The floor",
        "hosts": "deepobs",
        "gather_facts": False,
        "tasks": [{"name": f"No-op {number}", "ansible.builtin.ping": {}} for number in range(1, tasks + 1)],
    }
    path = folder / "floor.yml"
    path.write_text(json.dumps([play]))
    return path


def compare(platform: Platform) -> dict[str, float]:
    """Runs both plays in turn; the figures."""
    tasks = module_runs(platform)
    floor = platform.command(str(floor_play(platform.state_dir, tasks)))
    rerun = platform.command("playbooks/observability.yml")
    costs: dict[str, list[Cost]] = {"converged": [], "floor": []}
    for number in range(1, ROUNDS + 1):
        for name, command in (("converged", rerun), ("floor", floor)):
            costs[name].append(measured(command, platform.environment)[0])
        sys.stderr.write(f"· round {number} of {ROUNDS}\n")
    figures = {"module_runs": float(tasks)}
    for name, taken in costs.items():
        figures[f"{name}_seconds"] = statistics.median(cost.cpu for cost in taken)
        figures[f"{name}_wall_seconds"] = statistics.median(cost.wall for cost in taken)
    pairs = zip(costs["converged"], costs["floor"], strict=True)
    return {**figures, "excess_seconds": statistics.median(mine.cpu - theirs.cpu for mine, theirs in pairs)}


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
