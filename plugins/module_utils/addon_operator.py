# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One EKS add-on: looking at it and writing to it."""

from __future__ import annotations

import uuid
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.addon_health import Sight
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan, Desired, change, creation
from ansible_collections.deepobs.eks.plugins.module_utils.addons import read_addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import call
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

_NOT_FOUND = "ResourceNotFoundException"


class AddonOperator:
    """One add-on of one cluster: looks at it and changes it."""

    def __init__(self, eks: Any, desired: Desired, watch: Stopwatch) -> None:
        self._eks = eks
        self._desired = desired
        self._watch = watch
        self._what = f"add-on {desired.name} of cluster {desired.cluster_name}"
        self._names = {"clusterName": desired.cluster_name, "addonName": desired.name}
        self._degraded_since: float | None = None

    def look(self, update_id: str = "") -> Sight:
        """The add-on as it is now, and the update where one is followed."""
        update = self._read_update(update_id) if update_id else {}
        addon, now = read_addon(self._eks, self._desired.cluster_name, self._desired.name), self._watch.clock()
        if addon is None or addon["status"] != "DEGRADED":
            self._degraded_since = None
            return Sight(addon, update)
        if self._degraded_since is None:
            self._degraded_since = now
        return Sight(addon, update, now - self._degraded_since)

    def start(self, plan: AddonPlan) -> str:
        """Makes the calls of a plan other than recreate; the id of the update it started, or empty.

        A call that is repeated because its reply was lost has the token of the first, so that it is no second change.
        """
        self._tag(plan)
        token = str(uuid.uuid4())
        if plan.action == "delete":
            self.delete(self._desired.preserve)
        if plan.action == "create":
            parameters = creation(plan, self._desired)
            call(self._eks.create_addon, f"create {self._what}", **parameters, clientRequestToken=token)
        if plan.action == "update":
            parameters = change(plan, self._desired)
            answer = call(self._eks.update_addon, f"update {self._what}", **parameters, clientRequestToken=token)
            return str(answer["update"]["id"])
        return ""

    def delete(self, preserve: bool) -> None:
        """Starts the add-on's removal; with `preserve` its objects stay in the cluster."""
        call(self._eks.delete_addon, f"delete {self._what}", _NOT_FOUND, **self._names, preserve=preserve)

    def _tag(self, plan: AddonPlan) -> None:
        arn = plan.before["addon_arn"] if plan.before else ""
        if plan.tags_to_remove:
            purpose = f"remove tags of {self._what}"
            call(self._eks.untag_resource, purpose, resourceArn=arn, tagKeys=plan.tags_to_remove)
        if plan.tags_to_set:
            call(self._eks.tag_resource, f"tag {self._what}", resourceArn=arn, tags=plan.tags_to_set)

    def _read_update(self, update_id: str) -> dict[str, Any]:
        """The update as EKS describes it; empty where the add-on is gone and its updates with it."""
        parameters = {"name": self._desired.cluster_name, "addonName": self._desired.name, "updateId": update_id}
        purpose = f"describe update {update_id} of {self._what}"
        update: dict[str, Any] = call(self._eks.describe_update, purpose, _NOT_FOUND, **parameters).get("update", {})
        return update
