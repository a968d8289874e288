# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What mends a trust that fails: tasks to paste into a playbook, and words where no task may decide. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.trust_explanations import Case, Check

Task = dict[str, Any]

_WORDS = {
    "account": "Annotate the service account with the ARN of a role in the cluster's account, or register the cluster's"
    " OIDC provider in the role's account and look there with credentials of that account.",
    "token_issuer": "The token comes from another cluster: look at cluster_name.",
    "token_subject": "The pod runs as another service account: set its spec.serviceAccountName.",
    "token_audience": "The token is for somebody else: annotate the service account with eks.amazonaws.com/audience, or"
    " set the audience of the projected volume, then start the pod anew.",
    "token_in_time": "The token is not valid now: have the pod read AWS_WEB_IDENTITY_TOKEN_FILE anew (kubelet renews"
    " it), and look at the clocks.",
    "not_denied": "Somebody denies it on purpose, so no task is given: take the Deny statement out where it is kept,"
    " or narrow its conditions.",
}


def remedy_words(found: list[Check]) -> str:
    """What to do about the checks that fail, beyond the tasks."""
    failing = {check["name"] for check in found if check["holds"] is False}
    return " ".join(words for name, words in _WORDS.items() if name in failing)


def remedy_tasks(case: Case, found: list[Check]) -> list[Task]:
    """The tasks that mend what a task can mend, in their order; none where nothing fails."""
    failing = {check["name"] for check in found if check["holds"] is False}
    if "account" in failing:
        return []
    tasks = []
    if "role_exists" in failing:
        tasks.append(_create_role(case))
    elif failing & {"provider_registered", "provider_audience", "allowed"}:
        tasks.append(_trust_subject(case, failing))
    if "role_arn" in failing:
        tasks.append(_annotate(case))
    return tasks


def _create_role(case: Case) -> Task:
    path = "/" + case.role.partition(":role/")[2].removesuffix(case.role_name)
    role = {"name": case.role_name, "subjects": [case.subject], **({"path": path} if path != "/" else {})}
    options = {"cluster_name": case.cluster_name, "roles": [role], **_audience(case), "create_oidc_provider": True}
    return {
        "name": f"Create role {case.role_name} and let {case.subject} assume it",
        "deepobs.eks.irsa_role": options,
    }


def _trust_subject(case: Case, failing: set[str]) -> Task:
    options: Task = {
        "role_name": case.role_name,
        "cluster_name": case.cluster_name,
        "subjects": [case.subject],
        **_audience(case),
    }
    if failing & {"provider_registered", "provider_audience"}:
        options["create_oidc_provider"] = True
    return {"name": f"Let {case.subject} assume role {case.role_name}", "deepobs.eks.irsa_trust": options}


def _annotate(case: Case) -> Task:
    namespace, _colon, name = case.subject.partition(":")
    annotations: Mapping[str, str] = {"eks.amazonaws.com/role-arn": case.found["Arn"]}
    return {
        "name": f"Annotate service account {case.subject} with the ARN that its role has",
        "kubernetes.core.k8s": {
            "state": "patched",
            "api_version": "v1",
            "kind": "ServiceAccount",
            "namespace": namespace,
            "name": name,
            "definition": {"metadata": {"annotations": dict(annotations)}},
        },
    }


def _audience(case: Case) -> dict[str, str]:
    return {} if case.trust.audience == "sts.amazonaws.com" else {"audience": case.trust.audience}
