# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What to do with an EKS add-on: from what is installed and what is asked for to the calls to make. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Release
from ansible_collections.deepobs.eks.plugins.module_utils.addon_defaults import DefaultsChange
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

# API_Addon, "status": what EKS is working at.
IN_PROGRESS = frozenset({"CREATING", "UPDATING", "DELETING"})
_TO_TRY_AGAIN = frozenset({"UPDATE_FAILED", "DELETE_FAILED"})


@dataclass(frozen=True)
class Desired:
    """What the task asks for; None leaves a thing as it is. An empty service_account_role_arn asks for none."""

    cluster_name: str
    name: str
    present: bool
    version: str | None
    configuration: dict[str, Any] | None
    service_account_role_arn: str | None
    pod_identity_associations: list[dict[str, str]] | None
    namespace: str | None
    tags: dict[str, str] | None
    purge_tags: bool
    resolve_conflicts: str
    preserve: bool


@dataclass(frozen=True)
class AddonPlan:
    """The add-on before and after, and the one action between: create, recreate, update, delete or none of them.

    `defaults` is what a change of the version changes besides, `warnings` what the user should know of it.
    """

    before: Addon | None
    after: Addon | None
    action: str = ""
    tags_to_set: dict[str, str] = field(default_factory=dict)
    tags_to_remove: list[str] = field(default_factory=list)
    defaults: DefaultsChange | None = None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.action or self.tags_to_set or self.tags_to_remove)

    @property
    def writes_configuration(self) -> bool:
        return self.action in ("create", "recreate", "update")

    @property
    def changes_version(self) -> bool:
        """Whether an add-on that is there gets another version."""
        if self.before is None or self.after is None or self.before["status"] == "DELETING":
            return False
        return bool(self.before["addon_version"] != self.after["addon_version"])


def plan_addon(current: Addon | None, desired: Desired, version: str, releases: Sequence[Release] = ()) -> AddonPlan:
    """What to do so that the add-on is as desired, in this version. One that is being deleted counts as absent.

    Raises DeepobsError for what EKS cannot do.
    """
    gone = current is None or current["status"] == "DELETING"
    if not desired.present:
        return AddonPlan(current, None, "" if gone else "delete")
    if current is None or gone:
        return AddonPlan(current, _wanted(_blank(desired, releases), desired, version), "create")
    wanted = _wanted(current, desired, version)
    action = _action(current, wanted)
    if action != "recreate":
        _check_namespace(current, wanted)
    if not action and current["tags"] == wanted["tags"]:
        return AddonPlan(current, current)
    after = {**wanted, "status": "ACTIVE", "health": {"issues": []}} if action else wanted
    if action == "recreate":
        return AddonPlan(current, after, action)
    to_set, to_remove = compare_aws_tags(current["tags"], wanted["tags"])
    return AddonPlan(current, after, action, to_set, to_remove)


def creation(plan: AddonPlan, desired: Desired) -> dict[str, Any]:
    """Parameters of CreateAddon."""
    after = plan.after or {}
    parameters = {**_common(after, desired), "tags": after["tags"]}
    parameters["podIdentityAssociations"] = _associations(after)
    parameters["namespaceConfig"] = {"namespace": desired.namespace} if desired.namespace else {}
    return {name: value for name, value in parameters.items() if value}


def change(plan: AddonPlan, desired: Desired) -> dict[str, Any]:
    """Parameters of UpdateAddon.

    What is to stay is sent again, since EKS takes away a role that an update leaves out (API_UpdateAddon,
    serviceAccountRoleArn). Associations are left out unless they change: those it keeps.
    """
    before, after = plan.before or {}, plan.after or {}
    parameters = {name: value for name, value in _common(after, desired).items() if value}
    if before["configuration"] and not after["configuration"]:
        parameters["configurationValues"] = "{}"
    if before["pod_identity_associations"] != after["pod_identity_associations"]:
        parameters["podIdentityAssociations"] = _associations(after)
    return parameters


def _common(after: Addon, desired: Desired) -> dict[str, Any]:
    configuration = after["configuration"]
    return {
        "clusterName": desired.cluster_name,
        "addonName": desired.name,
        "addonVersion": after["addon_version"],
        "resolveConflicts": desired.resolve_conflicts.upper(),
        "serviceAccountRoleArn": after["service_account_role_arn"],
        "configurationValues": json.dumps(configuration, sort_keys=True) if configuration else "",
    }


def _associations(addon: Addon) -> list[dict[str, str]]:
    return [
        {"serviceAccount": association["service_account"], "roleArn": association["role_arn"]}
        for association in addon["pod_identity_associations"]
    ]


def _check_namespace(current: Addon, wanted: Addon) -> None:
    if current["namespace"] and current["namespace"] != wanted["namespace"]:
        raise DeepobsError(
            f"namespace: add-on {current['addon_name']} is in namespace {current['namespace']}, and EKS cannot move it"
            f" to {wanted['namespace']}. Remove it (state: absent) and create it again, or leave namespace out."
        )


def _action(current: Addon, wanted: Addon) -> str:
    if current["status"] == "CREATE_FAILED":
        return "recreate"
    differs = any(current[key] != wanted[key] for key in wanted if key not in ("tags", "namespace"))
    return "update" if differs or current["status"] in _TO_TRY_AGAIN else ""


def _blank(desired: Desired, releases: Sequence[Release]) -> Addon:
    """An add-on that is still to be created; what only EKS can know is None."""
    return {
        "cluster_name": desired.cluster_name,
        "addon_name": desired.name,
        "addon_version": None,
        "addon_arn": None,
        "status": "ACTIVE",
        "health": {"issues": []},
        "configuration": {},
        "service_account_role_arn": None,
        "pod_identity_associations": [],
        "namespace": releases[0].namespace if releases else None,
        "tags": {},
        "publisher": releases[0].publisher if releases else "",
        "owner": releases[0].owner if releases else "",
        "created_at": None,
        "modified_at": None,
    }


def _wanted(current: Addon, desired: Desired, version: str) -> Addon:
    asked = {
        "addon_version": version,
        "configuration": desired.configuration,
        "service_account_role_arn": desired.service_account_role_arn,
        "pod_identity_associations": _merged_associations(current, desired),
        "namespace": desired.namespace,
        "tags": _merged_tags(current, desired),
    }
    wanted = {**current, **{name: value for name, value in asked.items() if value is not None}}
    wanted["service_account_role_arn"] = wanted["service_account_role_arn"] or None
    # An add-on has its permissions one way or the other: EKS refuses both together.
    if desired.service_account_role_arn:
        wanted["pod_identity_associations"] = []
    elif desired.pod_identity_associations:
        wanted["service_account_role_arn"] = None
    return wanted


def _merged_associations(current: Addon, desired: Desired) -> list[dict[str, str]] | None:
    """The associations asked for; in EKS' order where only the order differs."""
    asked, present = desired.pod_identity_associations, current["pod_identity_associations"]
    same = asked is not None and sorted(map(_sortable, asked)) == sorted(map(_sortable, present))
    return present if same else asked


def _sortable(association: dict[str, str]) -> tuple[str, str]:
    return association["service_account"], association["role_arn"]


def _merged_tags(current: Addon, desired: Desired) -> dict[str, str] | None:
    """Tags as they should be; those of AWS itself (aws:...) are never purged (AWS general reference, tagging)."""
    if desired.tags is None:
        return None
    kept = current["tags"].items()
    return {key: value for key, value in kept if not desired.purge_tags or key.startswith("aws:")} | desired.tags
