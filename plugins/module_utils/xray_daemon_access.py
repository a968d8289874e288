# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether AWS lets each daemon in: it is asked for the sampling rules, which it fetches with its own role."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import (
    Cluster,
    KubernetesError,
    Manifest,
    Reference,
)
from ansible_collections.deepobs.eks.plugins.module_utils.rollouts import node_of
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch, wait_until
from ansible_collections.deepobs.eks.plugins.module_utils.xray_daemon_manifests import PORT, DaemonOptions

_INTERVAL_SECONDS = 2.0
_LOG_LINES = 20
_DENIED = re.compile(
    r"AccessDenied|not authorized|NoCredentialProviders|InvalidIdentityToken|ExpiredToken|Forbidden", re.IGNORECASE
)


def refusals(cluster: Cluster, pods: Sequence[Manifest], timeout_seconds: float, watch: Stopwatch) -> dict[str, str]:
    """What the pods that cannot reach X-Ray say, by node; a role that was just trusted is waited for."""

    def ask() -> dict[str, str]:
        answers = {node_of(pod): _refusal(cluster, pod) for pod in pods}
        return {node: refusal for node, refusal in answers.items() if refusal}

    return wait_until(ask, lambda _before, now: not now, timeout_seconds, _INTERVAL_SECONDS, *watch).state


def explain_refusals(refused: dict[str, str], options: DaemonOptions) -> str:
    """One message for what `refusals` found, with the task that mends it."""
    told = "; ".join(f"on node {node}: {refusal}" for node, refusal in sorted(refused.items()))
    subject = f"{options.namespace}:{options.service_account}"
    if not any(_DENIED.search(refusal) for refusal in refused.values()):
        remedy = "Look whether the pods reach AWS: NetworkPolicies, security groups, NAT or VPC endpoints, region"
    elif options.role_arn:
        role_name = options.role_arn.rpartition("/")[2]
        remedy = (
            f"Let the role trust the service account: deepobs.eks.irsa_trust with role_name {role_name} and subjects"
            f" [{subject}]; and give it the policy AWSXRayDaemonWriteAccess"
        )
    else:
        remedy = (
            f"Give the service account {subject} a role: role_arn here and deepobs.eks.irsa_trust, or"
            " deepobs.eks.eks_pod_identity_association"
        )
    return f"The X-Ray daemon runs, but AWS does not let it in {told}. {remedy}."


def _refusal(cluster: Cluster, pod: Manifest) -> str:
    """What a pod says when it is asked for sampling rules; empty where it gives them."""
    reference = Reference("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
    try:
        cluster.post_to_pod(reference, PORT, "GetSamplingRules", {})
    except KubernetesError as error:
        denied = [line for line in cluster.log(reference, _LOG_LINES).splitlines() if _DENIED.search(line)]
        return denied[-1].strip() if denied else error.said or error.message
    return ""
