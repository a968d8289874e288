# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Carrying out what was planned for an EKS add-on, and waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.addon_health import Sight, describe, is_final, judge
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan, Desired, change, creation
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon, read_addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, error_code
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until

_FIRST_INTERVAL_SECONDS = 0.25
_INTERVAL_GROWTH = 1.5
_LONGEST_INTERVAL_SECONDS = 5.0
_MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Patience:
    """Whether and how long to wait, and what a DEGRADED add-on means (fail, warn or accept) after how long."""

    wait: bool
    timeout_seconds: float
    degraded: str
    grace_seconds: float


class AddonOperator:
    """One add-on of one cluster: looks at it, waits for it and changes it."""

    def __init__(self, eks: Any, desired: Desired, patience: Patience, watch: Stopwatch) -> None:
        self._eks = eks
        self._desired = desired
        self._patience = patience
        self._watch = watch
        self._what = f"add-on {desired.name} of cluster {desired.cluster_name}"
        self._names = {"clusterName": desired.cluster_name, "addonName": desired.name}
        self._degraded_since: float | None = None

    def read(self) -> Addon | None:
        """The add-on as it is now."""
        return read_addon(self._eks, self._desired.cluster_name, self._desired.name)

    def wait_until_idle(self) -> Addon | None:
        """The add-on once EKS has stopped working at it, in whatever status that leaves it."""
        return self._wait(lambda sight: not sight.in_progress).addon

    def wait_until_final(self, update_id: str) -> Sight:
        """What is seen when EKS is done and a DEGRADED add-on had its time to heal."""
        patience = self._patience
        return self._wait(lambda sight: is_final(sight, patience.degraded, patience.grace_seconds), update_id)

    def wait_until_gone(self) -> Sight:
        """What is seen when the add-on is gone or EKS gave up removing it."""
        return self._wait(lambda sight: sight.status in ("", "DELETE_FAILED"))

    def execute(self, plan: AddonPlan) -> str:
        """Makes the calls that the plan needs; the id of the update it started, or empty."""
        self._tag(plan)
        if plan.action == "delete":
            self._when_idle(lambda: self._delete(self._desired.preserve))
        if plan.action == "recreate":
            # What the failed attempt left in the cluster may have been there before it: only EKS' record of it goes.
            self._when_idle(lambda: self._delete(preserve=True))
            judge(self.wait_until_gone(), None, self._patience.degraded)
        if plan.action in ("create", "recreate"):
            call(self._eks.create_addon, f"create {self._what}", **creation(plan, self._desired))
        if plan.action == "update":
            return self._when_idle(lambda: self._update(plan))
        return ""

    def _update(self, plan: AddonPlan) -> str:
        answer = call(self._eks.update_addon, f"update {self._what}", **change(plan, self._desired))
        return str(answer["update"]["id"])

    def _delete(self, preserve: bool) -> str:
        purpose = f"delete {self._what}"
        call(self._eks.delete_addon, purpose, "ResourceNotFoundException", **self._names, preserve=preserve)
        return ""

    def _tag(self, plan: AddonPlan) -> None:
        arn = plan.before["addon_arn"] if plan.before else ""
        if plan.tags_to_remove:
            purpose = f"remove tags of {self._what}"
            call(self._eks.untag_resource, purpose, resourceArn=arn, tagKeys=plan.tags_to_remove)
        if plan.tags_to_set:
            call(self._eks.tag_resource, f"tag {self._what}", resourceArn=arn, tags=plan.tags_to_set)

    def _when_idle(self, write: Callable[[], str]) -> str:
        """Writes; where somebody else's update runs (ResourceInUseException), waits for its end and tries again."""
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            try:
                return write()
            except DeepobsError as error:
                if error_code(error) != "ResourceInUseException" or attempt == _MOST_ATTEMPTS:
                    raise
            self.wait_until_idle()
        raise AssertionError("the last attempt returns or raises")

    def _wait(self, settled: Callable[[Sight], bool], update_id: str = "") -> Sight:
        outcome = wait_until(
            lambda: self._look(update_id),
            lambda _previous, sight: settled(sight),
            self._patience.timeout_seconds,
            _FIRST_INTERVAL_SECONDS,
            self._watch.clock,
            self._watch.sleep,
            _INTERVAL_GROWTH,
            _LONGEST_INTERVAL_SECONDS,
        )
        if not outcome.settled and (outcome.state.in_progress or outcome.state.status != "DEGRADED"):
            raise DeepobsError(
                f"Not done within wait_timeout ({self._patience.timeout_seconds:g} s). {describe(outcome.state)}"
                " Give wait_timeout more seconds; EKS goes on by itself, and the next run takes up from there."
            )
        return outcome.state

    def _look(self, update_id: str) -> Sight:
        update = self._read_update(update_id) if update_id else {}
        addon, now = self.read(), self._watch.clock()
        if addon is None or addon["status"] != "DEGRADED":
            self._degraded_since = None
            return Sight(addon, update)
        if self._degraded_since is None:
            self._degraded_since = now
        return Sight(addon, update, now - self._degraded_since)

    def _read_update(self, update_id: str) -> dict[str, Any]:
        parameters = {"name": self._desired.cluster_name, "addonName": self._desired.name, "updateId": update_id}
        answer = call(self._eks.describe_update, f"describe update {update_id} of {self._what}", **parameters)
        update: dict[str, Any] = answer["update"]
        return update


def apply(
    operator: AddonOperator, plan: AddonPlan, patience: Patience, make_plan: Callable[[Addon | None], AddonPlan]
) -> tuple[AddonPlan, list[str]]:
    """Makes the add-on what the plan says; the plan with the add-on as it came out, and warnings.

    What EKS is already at is waited for first and planned upon anew. Raises DeepobsError where it does not come out
    as planned.
    """
    if _is_in_progress(plan.before) and (plan.changed or patience.wait):
        plan = make_plan(operator.wait_until_idle())
    if not plan.changed and (plan.before is None or plan.before["status"] == "ACTIVE"):
        return plan, []
    update_id = operator.execute(plan)
    if not patience.wait:
        return plan.done(operator.read()), []
    sight = operator.wait_until_final(update_id) if plan.after else operator.wait_until_gone()
    return plan.done(sight.addon), judge(sight, plan.after, patience.degraded)


def _is_in_progress(addon: Addon | None) -> bool:
    return addon is not None and Sight(addon).in_progress
