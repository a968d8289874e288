# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an add-on's status means once EKS has stopped working at it, and what mends each trouble EKS names. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import IN_PROGRESS
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

# Codes of API_AddonIssue and API_ErrorDetail.
REMEDIES = {
    "AccessDenied": (
        "check the permissions and the trust policy of service_account_role_arn, and that the cluster's access entries"
        " let eks:addon-manager in"
    ),
    "AddonPermissionFailure": "attach the add-on's managed policy to its role and let its service account assume it",
    "AddonSubscriptionNeeded": "subscribe to the add-on in AWS Marketplace, then run again",
    "AdmissionRequestDenied": "let the cluster's admission webhook or Pod Security level admit the add-on's objects",
    "ClusterUnreachable": "make sure that the cluster is ACTIVE and its API endpoint answers, then run again",
    "ConfigurationConflict": (
        "objects of the add-on exist with other values: set resolve_conflicts to overwrite (EKS wins) or preserve"
        " (the cluster wins), then run again"
    ),
    "EniLimitReached": "free network interfaces or have their quota raised",
    "InsufficientFreeAddresses": "give the cluster's subnets free IP addresses",
    "InsufficientNumberOfReplicas": (
        "the add-on's pods do not become ready: look at 'kubectl get pods -A' and 'kubectl describe pod'; usually there"
        " is no ready node with room for them, or the image cannot be pulled"
    ),
    "InternalFailure": "run again; if it stays, open a case with AWS support",
    "IpNotAvailable": "give the cluster's subnets free IP addresses",
    "K8sResourceNotFound": "an object of the add-on was deleted: run again with resolve_conflicts set to overwrite",
    "NodeCreationFailure": "look at the node group's health: its nodes do not join the cluster",
    "OperationNotPermitted": "check the permissions of the cluster's role and of your credentials",
    "PodEvictionFailure": "a PodDisruptionBudget holds pods back: relax it, then run again",
    "SecurityGroupNotFound": "restore the cluster's security group",
    "SubnetNotFound": "restore the cluster's subnets",
    "UnsupportedAddonModification": (
        "EKS does not allow this change of this add-on: undo it in configuration, or remove the add-on"
        " (state absent, preserve true) and create it again"
    ),
    "VpcIdNotFound": "restore the cluster's VPC",
}
_UNKNOWN_REMEDY = "see 'aws eks describe-addon' and the events of the add-on's pods"
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


def is_final(sight: Sight, degraded: str, grace_seconds: float) -> bool:
    """Whether waiting can end. DEGRADED can heal by itself, so it is given grace_seconds, unless it is accepted."""
    if sight.in_progress:
        return False
    return sight.status != "DEGRADED" or degraded == "accept" or sight.degraded_seconds >= grace_seconds


def judge(sight: Sight, wanted: Addon | None, degraded: str) -> list[str]:
    """Warnings about a final sight; raises DeepobsError where the add-on is not what it should be."""
    if wanted is None:
        return _judge_absence(sight)
    if sight.addon is None:
        raise DeepobsError(f"Add-on {wanted['addon_name']} was deleted while it was being waited for. Run again.")
    if sight.status in _FAILED or (_update_failed(sight) and not _as_wanted(sight.addon, wanted)):
        raise DeepobsError(describe(sight))
    if sight.status == "DEGRADED" and degraded == "fail":
        raise DeepobsError(f"{describe(sight)} To go on nevertheless, set degraded to warn or accept.")
    if sight.status == "DEGRADED" and degraded == "accept":
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


def _update_failed(sight: Sight) -> bool:
    return sight.update.get("status") in ("Failed", "Cancelled")


def _as_wanted(addon: Addon, wanted: Addon) -> bool:
    """Whether a failed update did its work after all, as one can whose add-on was DEGRADED and healed."""
    return all(addon[key] == wanted[key] for key in ("addon_version", "configuration", "service_account_role_arn"))


def _troubles(sight: Sight) -> list[str]:
    issues: Iterable[Mapping[str, Any]] = sight.addon["health"]["issues"] if sight.addon else []
    errors = sight.update.get("errors", []) if _update_failed(sight) else []
    named = [(issue["code"], issue["message"]) for issue in issues]
    named += [(error.get("errorCode", "Unknown"), error.get("errorMessage", "")) for error in errors]
    return [f"{code} ({message}) - {REMEDIES.get(code, _UNKNOWN_REMEDY)}" for code, message in dict.fromkeys(named)]
