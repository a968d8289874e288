# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the stress test on the controller, so that its progress is seen while it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.deepobs.eks.plugins.module_utils.stress_tests import (
    StressTest,
    StressTestError,
    failed_thresholds,
    stress,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

_APPS_DIR = Path(__file__).parents[2] / "apps"

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "profile": {"type": "str"},
    "profile_file": {"type": "path"},
    "frontend_url": {"type": "str", "required": True},
    "backend_url": {"type": "str", "required": True},
    "accounts_file": {"type": "path", "required": True},
    "secret_file": {"type": "path", "no_log": False},
    "run_dir": {"type": "path", "required": True},
    "python": {"type": "path"},
    "apps_dir": {"type": "path"},
    "seed": {"type": "int"},
    "workers": {"type": "int"},
    "fail_on_thresholds": {"type": "bool", "default": True},
    "backend_metrics_urls": {"type": "list", "elements": "str"},
    "frontend_metrics_urls": {"type": "list", "elements": "str"},
    "daemon_url": {"type": "str"},
    "settle_seconds": {"type": "float", "default": 15},
}


class ActionModule(ActionBase):
    """deepobs.eks.stress_test."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Plans in check mode, else runs; the result is documented in the module of the same name."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(ARGUMENT_SPEC, required_one_of=[("profile", "profile_file")])
        options["python"] = options["python"] or sys.executable
        options["apps_dir"] = options["apps_dir"] or str(_APPS_DIR)
        test = StressTest(options)
        if self._task.check_mode:
            return {**result, **_planned(test)}
        return {**result, **_run(test)}


def _planned(test: StressTest) -> dict[str, Any]:
    would = f"Would run {' '.join(test.command)}"
    return {"changed": True, "msg": would, "command": test.command, "run_dir": str(test.run_dir)}


def _run(test: StressTest) -> dict[str, Any]:
    try:
        result = stress(test, Display().display, Stopwatch())
    except StressTestError as error:
        return {"failed": True, "msg": str(error)}
    if not result.pop("settled"):
        seconds = test.options["settle_seconds"]
        result["warnings"] = [f"The counters still changed {seconds:g} s after the load: settle_seconds was too short,"
                              " or others use the shop"]  # fmt: skip
    if not result["passed"] and test.options["fail_on_thresholds"]:
        result |= {"failed": True, "msg": failed_thresholds(result["thresholds"])}
    return result
