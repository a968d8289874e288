# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an add-on's status means once EKS has stopped working at it, and what is said about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import IN_PROGRESS
from ansible_collections.deepobs.eks.plugins.module_utils.addon_remedies import trouble_remedy
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

_FAILED = frozenset({"CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"})


@dataclass(frozen=True)
class Sight:
    """What was seen at one look: the add-on (None: it is gone), the update followed, and how long it is DEGRADED."""

    addon: Addon | None
    update: Mapping[str, Any] = field(default_factory=dict)
    degraded_seconds: float = 0.0

    @property
    def status(self) -> str:
        return self.addon["status"] if self.addon else ""

    @property
    def in_progress(self) -> bool:
        return self.status in IN_PROGRESS or self.update.get("status") == "InProgress"

    @property
    def update_failed(self) -> bool:
        return self.update.get("status") in ("Failed", "Cancelled")


def is_final(sight: Sight, degraded: str, grace_seconds: float) -> bool:
    """Whether waiting can end. DEGRADED can heal by itself, so it is given grace_seconds, unless it is accepted.

    After an update that failed it is given them in any case: whether it heals tells whether the update did its work.
    """
    if sight.in_progress:
        return False
    accepted = degraded == "accept" and not sight.update_failed
    return sight.status != "DEGRADED" or accepted or sight.degraded_seconds >= grace_seconds


def judge(sight: Sight, wanted: Addon | None, degraded: str) -> list[str]:
    """Warnings about a final sight; raises DeepobsError where the add-on is not what it should be."""
    if wanted is None:
        return _judge_absence(sight)
    if sight.addon is None:
        what = f"Add-on {wanted['addon_name']} of cluster {wanted['cluster_name']}"
        raise DeepobsError(f"{what}, or the whole cluster, was deleted while it was being waited for. Run again.")
    if sight.status in _FAILED or (sight.update_failed and not _as_wanted(sight.addon, wanted)):
        raise DeepobsError(describe(sight))
    if sight.status == "DEGRADED" and degraded == "fail":
        raise DeepobsError(f"{describe(sight)} To go on nevertheless, set degraded to warn or accept.")
    if sight.status == "DEGRADED" and degraded == "accept" and not sight.update_failed:
        return []
    return [describe(sight)] if _troubles(sight) else []


def describe(sight: Sight) -> str:
    """Status and every trouble EKS names, each with its remedy."""
    if sight.addon is None:
        return "The add-on does not exist."
    troubles = list(_troubles(sight)) or ["EKS names no reason"]
    what = f"Add-on {sight.addon['addon_name']} {sight.addon['addon_version']} of cluster {sight.addon['cluster_name']}"
    update = f", its update is {sight.update['status']}" if sight.update else ""
    return f"{what} is {sight.status}{update}: {'; '.join(troubles)}."


def _judge_absence(sight: Sight) -> list[str]:
    if sight.addon is not None:
        raise DeepobsError(describe(sight))
    return []


def _as_wanted(addon: Addon, wanted: Addon) -> bool:
    """Whether a failed update did its work after all, as one can whose add-on was DEGRADED and healed."""
    kept = all(addon[key] == wanted[key] for key in ("addon_version", "configuration", "service_account_role_arn"))
    return kept and _by_account(addon) == _by_account(wanted)


def _by_account(addon: Addon) -> dict[str, str]:
    """The roles of the add-on's service accounts, whose order means nothing."""
    return {one["service_account"]: one["role_arn"] for one in addon["pod_identity_associations"]}


def _troubles(sight: Sight) -> list[str]:
    issues: Iterable[Mapping[str, Any]] = sight.addon["health"]["issues"] if sight.addon else []
    errors = sight.update.get("errors", []) if sight.update_failed else []
    named = [(issue["code"], issue["message"]) for issue in issues]
    named += [(error.get("errorCode", "Unknown"), error.get("errorMessage", "")) for error in errors]
    return [f"{code} ({message}) - {trouble_remedy(code)}" for code, message in dict.fromkeys(named)]
