# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task tells of the add-ons it dealt with: how they are, what changed, and what went wrong. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.addon_changes import Course
from ansible_collections.deepobs.eks.plugins.module_utils.addon_defaults import UNKNOWN, DefaultsChange
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, failure


def planned_result(plans: dict[str, AddonPlan]) -> dict[str, Any]:
    """What check mode tells, by the add-ons' names: everything as it would be."""
    return _result(
        {name: (plan, plan.after) for name, plan in plans.items()}, [plan.changed for plan in plans.values()]
    )


def actual_result(courses: dict[str, Course]) -> dict[str, Any]:
    """What a run tells, also one that failed: everything as it was seen last."""
    seen = {name: (course.first, course.sight.addon) for name, course in courses.items()}
    return _result(seen, [course.tried for course in courses.values()])


def combined(errors: Sequence[DeepobsError], number_of_addons: int, result: dict[str, Any]) -> DeepobsError:
    """All errors as one, with what was done nevertheless."""
    if len(errors) == 1:
        return DeepobsError(errors[0].message, errors[0].exception, result)
    told = "\n".join(dict.fromkeys(failure(error)["msg"] for error in errors))
    return DeepobsError(f"{len(errors)} of {number_of_addons} add-ons failed:\n{told}", result=result)


def _result(addons: dict[str, tuple[AddonPlan, Addon | None]], changed: list[bool]) -> dict[str, Any]:
    told = [_told(addon, plan.defaults) for plan, addon in addons.values() if addon]
    before = {name: _diffed(plan.before, plan.defaults, "before") for name, (plan, _addon) in addons.items()}
    after = {name: _diffed(addon, plan.defaults, "after") for name, (plan, addon) in addons.items()}
    return {"changed": any(changed), "addons": told, "diff": {"before": before, "after": after}}


def _told(addon: Addon, defaults: DefaultsChange | None) -> Addon:
    if defaults is None:
        return addon
    return {
        **addon,
        "changed_defaults": defaults.changed,
        "unknown_defaults": defaults.unknown,
        "added_options": defaults.added,
        "removed_options": defaults.removed,
    }


def _diffed(addon: Addon | None, defaults: DefaultsChange | None, side: str) -> Addon:
    """One side of the diff, which shows the defaults that change as if they were the add-on's own."""
    if addon is None or defaults is None:
        return addon or {}
    told = {path: change[side] for path, change in defaults.changed.items()}
    if side == "after":
        told |= {path: default for path, default in defaults.added.items() if default != UNKNOWN}
    if defaults.unknown:
        told[f"{len(defaults.unknown)} more options"] = UNKNOWN
    return {**addon, "defaults": told}
