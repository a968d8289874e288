"""Runs the collection's modules as Ansible does, and the cycle every one of them must stand."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from unittest.mock import patch

from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args

COLLECTION = "deepobs.eks"
ONLY_AWS_KNOWS = frozenset({"arn", "addon_arn", "rule_arn", "created_at", "modified_at"})


class ModuleFailedError(AssertionError):
    """A module ended with fail_json; `result` is what it returned."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg", result))
        self.result = result


def run_module(name: str, arguments: Mapping[str, Any], *, check: bool = False) -> dict[str, Any]:
    """Runs a module's main() in this process and returns its JSON, diff included.

    `name` is a fully qualified name or one of this collection's; raises ModuleFailedError at fail_json.
    """
    namespace, collection, module = name.split(".") if "." in name else (*COLLECTION.split("."), name)
    main = import_module(f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}").main
    internal = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_tmpdir": "/tmp"}
    output = io.StringIO()
    warnings._global_warnings.clear()  # each module begins without any, in a process of its own
    # A controller would show warnings itself, and a test of an action makes this process one.
    on_target = patch.object(warnings._internal, "is_controller", False)
    with on_target, patch_module_args({**arguments, **internal}), redirect_stdout(output):
        try:
            main()
        except SystemExit:
            pass
        else:
            raise AssertionError(f"{name} returned without exit_json or fail_json")
    result: dict[str, Any] = json.loads(output.getvalue())
    if result.get("failed"):
        raise ModuleFailedError(result)
    result.pop("invocation", None)
    return result


def comparable(value: Any, volatile: Collection[str] = ONLY_AWS_KNOWS) -> Any:
    """The value with the contents of volatile keys blanked at any depth; that the keys are there still counts."""
    if isinstance(value, dict):
        return {key: "*" if key in volatile else comparable(item, volatile) for key, item in value.items()}
    if isinstance(value, list):
        return [comparable(item, volatile) for item in value]
    return value


@dataclass(frozen=True)
class Cycle:
    """What the four runs of one set of arguments returned."""

    planned: dict[str, Any]
    done: dict[str, Any]
    planned_again: dict[str, Any]
    done_again: dict[str, Any]


def run_cycle(name: str, arguments: Mapping[str, Any], volatile: Collection[str] = ONLY_AWS_KNOWS) -> Cycle:
    """check (changed) -> run (changed) -> check (unchanged) -> run (unchanged), and check tells what the run does.

    Before and after of the diff are compared as well. `volatile` names keys whose contents only AWS can know.
    """
    cycle = Cycle(*(run_module(name, arguments, check=check) for check in (True, False, True, False)))
    changes = [run["changed"] for run in (cycle.planned, cycle.done, cycle.planned_again, cycle.done_again)]
    assert changes == [True, True, False, False], f"{name} says changed: {changes}"
    assert comparable(cycle.planned, volatile) == comparable(cycle.done, volatile)
    assert comparable(cycle.planned_again, volatile) == comparable(cycle.done_again, volatile)
    return cycle
