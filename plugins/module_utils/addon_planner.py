# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plans for EKS add-ons, made with what EKS has on offer: all that can be found wrong is found before any write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import (
    Catalogue,
    Release,
    choose_version,
    precedence,
)
from ansible_collections.deepobs.eks.plugins.module_utils.addon_defaults import (
    DefaultsChange,
    compare_defaults,
    same_value,
    without_defaults,
)
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan, Desired, plan_addon
from ansible_collections.deepobs.eks.plugins.module_utils.addon_schemas import (
    check_configuration,
    check_service_accounts,
)
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.arns import account_of

_MOST_DEFAULTS_TOLD = 10


def make_plan(catalogue: Catalogue, desired: Desired, current: Addon | None) -> AddonPlan:
    """What to do with the add-on as it is; raises DeepobsError where EKS would refuse it or it could never work.

    An add-on that is as a pinned version asks is recognised without asking EKS anything more.
    """
    if not desired.present:
        return plan_addon(current, desired, "")
    installed = current if current and current["status"] != "DELETING" else None
    version, releases = _find_version(catalogue, desired, installed)
    desired = _with_role_arns(catalogue, _as_meant(catalogue, desired, installed, version), installed)
    plan = plan_addon(current, desired, version, releases)
    if plan.writes_configuration:
        _check(catalogue, desired, plan, version)
    if not plan.changes_version:
        return plan
    plan = replace(plan, defaults=_defaults_change(catalogue, plan))
    return replace(plan, warnings=tuple(_warnings(plan)))


def _find_version(catalogue: Catalogue, desired: Desired, installed: Addon | None) -> tuple[str, list[Release]]:
    present = str(installed["addon_version"]) if installed else ""
    if present and desired.version in (None, present):
        return present, []
    releases = catalogue.releases(desired.name)
    return choose_version(desired.name, desired.version, present, releases), releases


def _as_meant(catalogue: Catalogue, desired: Desired, installed: Addon | None, version: str) -> Desired:
    """Less a configuration that means what is there: the same values, or others only by published defaults."""
    asked = desired.configuration
    if asked is None or installed is None:
        return desired
    present = installed["configuration"]
    if same_value(asked, present):
        return replace(desired, configuration=None)
    if version != installed["addon_version"]:
        return desired
    schema = catalogue.interface(desired.name, version).schema
    same = same_value(without_defaults(asked, schema), without_defaults(present, schema))
    return replace(desired, configuration=None) if same else desired


def _with_role_arns(catalogue: Catalogue, desired: Desired, installed: Addon | None) -> Desired:
    """With ARNs where roles of the cluster's own account were given by their names."""
    role, associations = desired.service_account_role_arn, desired.pod_identity_associations or []
    if all(name.startswith("arn:") for name in [role or "arn:", *(one["role_arn"] for one in associations)]):
        return desired
    arn = installed["addon_arn"] if installed else catalogue.cluster["arn"]
    return replace(
        desired,
        service_account_role_arn=role and _role_arn(role, arn),
        pod_identity_associations=desired.pod_identity_associations
        and [{**one, "role_arn": _role_arn(one["role_arn"], arn)} for one in associations],
    )


def _role_arn(role: str, arn_of_account: str) -> str:
    return role if role.startswith("arn:") else account_of(arn_of_account).iam(f"role/{role}")


def _check(catalogue: Catalogue, desired: Desired, plan: AddonPlan, version: str) -> None:
    """Holds what is about to be written against the version's schema: also a configuration that another version had."""
    kept = desired.configuration is None
    configuration: dict[str, Any] = plan.after["configuration"] if plan.after else {}
    is_new = bool(configuration) and (not kept or plan.changes_version)
    if not is_new and not desired.pod_identity_associations:
        return
    interface, what = catalogue.interface(desired.name, version), f"{desired.name} {version}"
    if is_new:
        check_configuration(configuration, interface, what, kept)
    check_service_accounts(desired.pod_identity_associations or [], interface, what)


def _defaults_change(catalogue: Catalogue, plan: AddonPlan) -> DefaultsChange:
    before, after = plan.before or {}, plan.after or {}
    return compare_defaults(
        catalogue.past_interface(before["addon_name"], before["addon_version"]).schema,
        catalogue.interface(after["addon_name"], after["addon_version"]).schema,
        after["configuration"],
    )


def _warnings(plan: AddonPlan) -> Iterator[str]:
    before, after, defaults = plan.before or {}, plan.after or {}, plan.defaults or DefaultsChange()
    versions = f"{before['addon_version']} -> {after['addon_version']}"
    what = f"Add-on {after['addon_name']} of cluster {after['cluster_name']}, {versions}"
    if precedence(after["addon_version"]) < precedence(before["addon_version"]):
        yield f"{what}: goes back to an older version. EKS tries, but an add-on need not support it."
    told = [f"{path} from {change['before']} to {change['after']}" for path, change in defaults.changed.items()]
    told += [f"{path} is new and {value}" for path, value in defaults.added.items() if value != "unknown"]
    if told:
        more = f"; and {len(told) - _MOST_DEFAULTS_TOLD} more" if len(told) > _MOST_DEFAULTS_TOLD else ""
        listed = "; ".join(told[:_MOST_DEFAULTS_TOLD]) + more
        yield (
            f"{what}: defaults change that the configuration does not set: {listed}. Set in configuration what should"
            " not change."
        )
