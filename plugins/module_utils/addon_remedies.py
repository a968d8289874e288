# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What mends each trouble that EKS names of an add-on. Pure."""

from __future__ import annotations

_UNKNOWN_REMEDY = "see 'aws eks describe-addon' and the events of the add-on's pods"

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
    "Unknown": _UNKNOWN_REMEDY,
    "UnsupportedAddonModification": (
        "EKS does not allow this change of this add-on: undo it in configuration, or remove the add-on"
        " (state absent, preserve true) and create it again"
    ),
    "VpcIdNotFound": "restore the cluster's VPC",
}


def trouble_remedy(code: str) -> str:
    """What to do about a health issue or an update's error, by its code; where to look for one that is not known."""
    return REMEDIES.get(code, _UNKNOWN_REMEDY)
