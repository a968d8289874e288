#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: eks_preflight_info
short_description: Tell what is missing before an EKS cluster can be observed
version_added: 0.1.0
author: The deepobs.eks maintainers (@deepobs)
description:
  - Looks at credentials, the cluster, its Kubernetes version and its OIDC provider, and changes nothing.
  - Every check comes back with what was seen and, where something is missing, how to get it.
options:
  cluster_name:
    description: The EKS cluster.
    type: str
    required: true
  minimum_kubernetes_version:
    description: The oldest Kubernetes version to accept.
    type: str
    default: "1.30"
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - "IAM permissions: C(eks:DescribeCluster), C(iam:ListOpenIDConnectProviders)."
  - Everybody may ask who they are (C(sts:GetCallerIdentity)). That the cluster may not be described is a failed check;
    that the OIDC providers may not be listed fails the task.
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
"""

EXAMPLES = r"""
- name: Look before the first change
  deepobs.eks.eks_preflight_info:
    cluster_name: shop
  register: preflight
"""

RETURN = r"""
account:
  description: The account the credentials belong to. Empty where there are none.
  returned: always
  type: str
  sample: "123456789012"
cluster:
  description: The cluster as far as the checks need it. Empty where it was not found.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    version:
      description: Its Kubernetes version.
      type: str
    status:
      description: Its status.
      type: str
    issuer:
      description: The URL of its OIDC issuer.
      type: str
checks:
  description: What was looked at.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The check.
      type: str
    status:
      description: V(ok), V(warning) when a later task can mend it, or V(failed).
      type: str
    message:
      description: What was seen.
      type: str
    remedy:
      description: How to mend it. Empty where there is nothing to mend.
      type: str
"""

import re
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, connect, failure, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster

OK = "ok"
WARNING = "warning"
FAILED = "failed"


def check(name: str, status: str, message: str, remedy: str = "") -> dict[str, str]:
    return {"name": name, "status": status, "message": message, "remedy": remedy}


def check_cluster_status(cluster: dict[str, str]) -> dict[str, str]:
    """An add-on can be created in an ACTIVE cluster; one that is UPDATING refuses changes."""
    if cluster["status"] == "ACTIVE":
        return check("cluster", OK, f"{cluster['name']} is ACTIVE")
    return check(
        "cluster",
        FAILED,
        f"{cluster['name']} is {cluster['status']}",
        "wait until the cluster is ACTIVE, then run again",
    )


def check_version(cluster: dict[str, str], minimum: str) -> dict[str, str]:
    """Compares Kubernetes versions as numbers: 1.9 is older than 1.30."""
    if _numbers(cluster["version"]) >= _numbers(minimum):
        return check("version", OK, f"Kubernetes {cluster['version']}")
    return check(
        "version",
        FAILED,
        f"Kubernetes {cluster['version']} is older than {minimum}",
        "upgrade the cluster, or lower preflight_minimum_kubernetes_version at your own risk",
    )


def check_oidc_provider(issuer: str, provider_arns: list[str]) -> dict[str, str]:
    """IAM trusts the cluster's service accounts by a provider whose ARN ends with the issuer without its scheme."""
    if not issuer:
        return check(
            "oidc_provider", FAILED, "the cluster has no OIDC issuer", "use EKS Pod Identity, or a newer cluster"
        )
    if any(arn.endswith(issuer.removeprefix("https://")) for arn in provider_arns):
        return check("oidc_provider", OK, f"IAM knows {issuer}")
    return check(
        "oidc_provider",
        WARNING,
        f"IAM does not know {issuer} yet",
        "the irsa role registers it (irsa_create_oidc_provider: true), or: eksctl utils associate-iam-oidc-provider",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def observe(sts: Any, eks: Any, iam: Any, cluster_name: str, minimum: str) -> dict[str, Any]:
    """Asks AWS, from credentials to the OIDC provider, and stops at the first thing the rest depends on.

    Raises DeepobsError where IAM's OIDC providers cannot be listed.
    """
    result: dict[str, Any] = {"account": "", "cluster": {}, "checks": []}
    try:
        result["account"] = call(sts.get_caller_identity, "learn who calls AWS")["Account"]
    except DeepobsError as error:
        remedy = "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws sso login"
        result["checks"].append(check("credentials", FAILED, failure(error)["msg"], remedy))
        return result
    result["checks"].append(check("credentials", OK, f"account {result['account']}"))
    try:
        result["cluster"] = _cluster(describe_cluster(eks, cluster_name))
    except DeepobsError as error:
        remedy = "set deepobs_cluster_name and deepobs_region to a cluster of this account that you may describe"
        result["checks"].append(check("cluster", FAILED, failure(error)["msg"], remedy))
        return result
    listed = call(iam.list_open_id_connect_providers, "list IAM's OIDC providers")["OpenIDConnectProviderList"]
    result["checks"] += [
        check_cluster_status(result["cluster"]),
        check_version(result["cluster"], minimum),
        check_oidc_provider(result["cluster"]["issuer"], [entry["Arn"] for entry in listed]),
    ]
    return result


def _cluster(described: dict[str, Any]) -> dict[str, str]:
    return {
        "name": described["name"],
        "version": described["version"],
        "status": described["status"],
        "issuer": described.get("identity", {}).get("oidc", {}).get("issuer", ""),
    }


def run(module: AnsibleAWSModule) -> dict[str, Any]:
    """Returns what exit_json takes; raises ValueError where the version to compare with is none."""
    minimum = module.params["minimum_kubernetes_version"]
    if not re.fullmatch(r"\d+\.\d+", minimum):
        raise ValueError("minimum_kubernetes_version must be of the form 1.30, and quoted: YAML reads 1.30 as 1.3")
    sts, eks, iam = (connect(module, service) for service in ("sts", "eks", "iam"))
    return {"changed": False, **observe(sts, eks, iam, module.params["cluster_name"], minimum)}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster_name": {"type": "str", "required": True},
            "minimum_kubernetes_version": {"type": "str", "default": "1.30"},
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
