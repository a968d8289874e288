# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a role's trust policy lets EKS Pod Identity give it to a service account. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.arns import account_of, resource_name
from ansible_collections.deepobs.eks.plugins.module_utils.trust_evaluation import like
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Document, as_list, statements

PRINCIPAL = "pods.eks.amazonaws.com"
# What Pod Identity does to a role (EKS User Guide, "Create IAM role with trust policy required by EKS Pod Identity").
ACTIONS = ("sts:AssumeRole", "sts:TagSession")
TRUST_STATEMENT = {
    "Effect": "Allow",
    "Principal": {"Service": PRINCIPAL},
    "Action": list(ACTIONS),
}


def untrusted_actions(trust_policy: Document, context: Mapping[str, str]) -> list[str]:
    """Which of the ACTIONS the policy does not let Pod Identity do.

    `context` has the condition keys whose values are known (lower case). A condition on another key, or with another
    operator, is taken to hold where it allows and not to hold where it denies: only STS can tell.
    """
    return [action for action in ACTIONS if not _allows(statements(trust_policy), action, context)]


def known_context(cluster_arn: str, namespace: str, service_account: str) -> dict[str, str]:
    """The condition keys that are known before there is a pod (EKS User Guide, "List of session tags added by EKS Pod
    Identity")."""
    return {
        "aws:sourcearn": cluster_arn,
        "aws:sourceaccount": account_of(cluster_arn).number,
        "aws:requesttag/eks-cluster-arn": cluster_arn,
        "aws:requesttag/eks-cluster-name": resource_name(cluster_arn),
        "aws:requesttag/kubernetes-namespace": namespace,
        "aws:requesttag/kubernetes-service-account": service_account,
    }


def _allows(found: list[Any], action: str, context: Mapping[str, str]) -> bool:
    concerned = [one for one in found if _names_principal(one) and _names_action(one, action)]
    allowed = any(one["Effect"] == "Allow" and _may_hold(one, context) for one in concerned)
    denied = any(one["Effect"] == "Deny" and not one.get("Condition") for one in concerned)
    return allowed and not denied


def _names_principal(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = as_list(principal.get("Service")) if isinstance(principal, Mapping) else as_list(principal)
    return PRINCIPAL in named or "*" in named


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    return any(like(pattern.lower(), action.lower()) for pattern in as_list(statement.get("Action", [])))


def _may_hold(statement: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        any(matches(str(wanted), context[key.lower()]) for wanted in as_list(values))
        for operator, keys in statement.get("Condition", {}).items()
        if (matches := _COMPARISONS.get(operator.rpartition(":")[2].removesuffix("IfExists")))
        for key, values in keys.items()
        if key.lower() in context
    )


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": like,
    "ArnEquals": like,
    "ArnLike": like,
}
