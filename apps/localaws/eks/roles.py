"""Roles that are given to EKS: they must be there, and those for Pod Identity must trust it."""

from __future__ import annotations

from localaws.eks.associations import Association
from localaws.iam import Iam
from localaws.seed import ACCOUNT
from localaws.service import ServiceError
from localaws.sts.trust import Attempt, is_trusted

_POD_IDENTITY = "pods.eks.amazonaws.com"


def check_service_account_role(iam: Iam, role_arn: str, addon: str) -> None:
    """Raises ServiceError InvalidParameterException for a role that is not in the account."""
    if iam.role(role_arn) is None:
        message = f"The role with ARN {role_arn} cannot be found"
        raise ServiceError("InvalidParameterException", message, addonName=addon)


def check_pod_identity_role(iam: Iam, role_arn: str, association: Association) -> None:
    """Raises ServiceError InvalidParameterException for a role that Pod Identity could not assume.

    EKS checks at creation that the role is in the account and lets pods.eks.amazonaws.com do sts:AssumeRole and
    sts:TagSession. What it says then is known from its clients' issue trackers (terraform-provider-aws#34717, #41483).
    """
    role = iam.role(role_arn)
    if role is None:
        raise ServiceError("InvalidParameterException", "Role provided in the request does not exist.")
    context = _context(association)
    for action in ("sts:AssumeRole", "sts:TagSession"):
        if not is_trusted(role.trust, Attempt("Service", frozenset({_POD_IDENTITY}), action, context)):
            message = (
                "Trust policy of the role provided is invalid. Follow the official documentation to resolve the issue."
            )
            raise ServiceError("InvalidParameterException", message)


def _context(association: Association) -> dict[str, list[str]]:
    """The condition keys that are known before there is a pod (EKS User Guide, "List of session tags")."""
    region = association.arn.split(":")[3]
    partition = association.arn.split(":")[1]
    cluster_arn = f"arn:{partition}:eks:{region}:{ACCOUNT}:cluster/{association.cluster}"
    return {
        "aws:sourceaccount": [ACCOUNT],
        "aws:sourcearn": [cluster_arn],
        "aws:requesttag/eks-cluster-arn": [cluster_arn],
        "aws:requesttag/eks-cluster-name": [association.cluster],
        "aws:requesttag/kubernetes-namespace": [association.namespace],
        "aws:requesttag/kubernetes-service-account": [association.service_account],
    }
