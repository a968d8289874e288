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
  - Looks at credentials, the cluster, its Kubernetes version, its nodes and its OIDC provider, and changes nothing.
  - Where asked for it, looks as well whether X-Ray's own endpoint takes OpenTelemetry's spans.
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
  spans:
    description:
      - Whether programs will send OpenTelemetry's spans to X-Ray's own OTLP endpoint.
      - The endpoint takes them where the account's traces go to CloudWatch Logs (Transaction Search).
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
notes:
  - "IAM permissions: C(eks:DescribeCluster), C(eks:ListNodegroups), C(eks:DescribeNodegroup),
    C(iam:ListOpenIDConnectProviders), with O(spans=true) C(xray:GetTraceSegmentDestination)."
  - Everybody may ask who they are (C(sts:GetCallerIdentity)). That the cluster may not be described is a failed check;
    that node groups or OIDC providers may not be listed, or the destination of traces not be read, fails the task. With
    EKS Auto Mode no node group is asked for.
  - EKS tells of managed node groups and of EKS Auto Mode. Nodes of one's own making, such as Karpenter's, it does not
    know, and on Fargate the agents of observability, which run once a node, do not run.
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

import json
import re
from typing import Any, NamedTuple

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.arns import Account, account_of
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, connect, failure, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages

OK = "ok"
WARNING = "warning"
FAILED = "failed"

# API_Nodegroup, "status": those whose nodes run, or may.
_WITH_NODES = frozenset({"ACTIVE", "UPDATING", "DEGRADED"})


class Clients(NamedTuple):
    """Whom the checks ask."""

    sts: Any
    eks: Any
    iam: Any
    xray: Any


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


def check_nodes(auto_mode: bool, node_groups: list[dict[str, Any]]) -> dict[str, str]:
    """An add-on whose pods find no node is DEGRADED after 20 minutes; node groups are in the shape of EKS' model."""
    if auto_mode:
        return check("nodes", OK, "EKS Auto Mode starts nodes as they are needed")
    ready = [group for group in node_groups if group["status"] in _WITH_NODES and _desired_nodes(group)]
    if ready:
        names = ", ".join(group["nodegroupName"] for group in ready)
        return check("nodes", OK, f"{sum(map(_desired_nodes, ready))} nodes in node groups ({names})")
    seen = [f"{group['nodegroupName']} is {group['status']} with {_desired_nodes(group)}" for group in node_groups]
    return check(
        "nodes",
        WARNING,
        f"no node group has nodes ({'; '.join(seen)})" if seen else "the cluster has neither node groups nor Auto Mode",
        "add-ons stay DEGRADED until there are nodes: start some, or go on where they are your own (Karpenter), perhaps"
        " with container_insights_degraded: warn",
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


def check_trace_destination(destination: dict[str, Any], account: Account, region: str) -> dict[str, str]:
    """Spans are refused until traces go to CloudWatch Logs; the remedy has the commands that bring it about.

    Source: CloudWatch user guide, "Enable transaction search".
    """
    place, status = destination.get("Destination", "XRay"), destination.get("Status", "ACTIVE")
    if (place, status) == ("CloudWatchLogs", "ACTIVE"):
        return check("trace_destination", OK, "traces go to CloudWatch Logs, so that X-Ray's endpoint takes spans")
    if place == "CloudWatchLogs":
        told = f"the change of the destination of traces to CloudWatch Logs is {status}"
        return check("trace_destination", WARNING, told, "wait until it is ACTIVE; X-Ray refuses spans until then")
    policy = json.dumps(_spans_policy(account, region), separators=(",", ":"))
    return check(
        "trace_destination",
        FAILED,
        f"traces go to {place}, and X-Ray's own endpoint refuses OpenTelemetry's spans",
        "switch on Transaction Search, which changes how the traces of the whole account are kept and billed in this"
        " region: aws logs put-resource-policy --policy-name TransactionSearchXRayAccess --policy-document"
        f" '{policy}' && aws xray update-trace-segment-destination --destination CloudWatchLogs; or send spans to a"
        " collector by OTEL_EXPORTER_OTLP_ENDPOINT in backend_environment and frontend_environment; or trace by xray",
    )


def _spans_policy(account: Account, region: str) -> dict[str, Any]:
    """The resource policy of CloudWatch Logs that lets X-Ray write spans."""
    log_groups = f"arn:{account.partition}:logs:{region}:{account.number}:log-group:"
    statement = {
        "Sid": "TransactionSearchXRayAccess",
        "Effect": "Allow",
        "Principal": {"Service": "xray.amazonaws.com"},
        "Action": "logs:PutLogEvents",
        "Resource": [f"{log_groups}aws/spans:*", f"{log_groups}/aws/application-signals/data:*"],
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:{account.partition}:xray:{region}:{account.number}:*"},
            "StringEquals": {"aws:SourceAccount": account.number},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _desired_nodes(node_group: dict[str, Any]) -> int:
    return int(node_group.get("scalingConfig", {}).get("desiredSize", 0))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def observe(clients: Clients, cluster_name: str, minimum: str, spans: bool) -> dict[str, Any]:
    """Asks AWS, from credentials to the OIDC provider, and stops at the first thing the rest depends on.

    Raises DeepobsError where node groups, IAM's OIDC providers or the destination of traces cannot be read.
    """
    result: dict[str, Any] = {"account": "", "cluster": {}, "checks": []}
    try:
        identity = call(clients.sts.get_caller_identity, "learn who calls AWS")
    except DeepobsError as error:
        remedy = "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws sso login"
        result["checks"].append(check("credentials", FAILED, failure(error)["msg"], remedy))
        return result
    result["account"] = identity["Account"]
    result["checks"].append(check("credentials", OK, f"account {result['account']}"))
    if spans:
        result["checks"].append(read_trace_destination(clients.xray, identity["Arn"]))
    try:
        described = describe_cluster(clients.eks, cluster_name)
    except DeepobsError as error:
        remedy = "set deepobs_cluster_name and deepobs_region to a cluster of this account that you may describe"
        result["checks"].append(check("cluster", FAILED, failure(error)["msg"], remedy))
        return result
    result["cluster"] = _cluster(described)
    result["checks"] += check_cluster(clients, described, result["cluster"], minimum)
    return result


def check_cluster(
    clients: Clients, described: dict[str, Any], cluster: dict[str, str], minimum: str
) -> list[dict[str, str]]:
    """The checks of a cluster that was found. Raises DeepobsError where node groups or providers cannot be listed."""
    auto_mode = described.get("computeConfig", {}).get("enabled", False)
    node_groups = [] if auto_mode else read_node_groups(clients.eks, cluster["name"])
    purpose = "list IAM's OIDC providers"
    listed = call(clients.iam.list_open_id_connect_providers, purpose)["OpenIDConnectProviderList"]
    return [
        check_cluster_status(cluster),
        check_version(cluster, minimum),
        check_nodes(auto_mode, node_groups),
        check_oidc_provider(cluster["issuer"], [entry["Arn"] for entry in listed]),
    ]


def read_trace_destination(xray: Any, caller_arn: str) -> dict[str, str]:
    """The check of where X-Ray keeps traces. Raises DeepobsError where that cannot be read."""
    read = getattr(xray, "get_trace_segment_destination", None)
    if read is None:
        told = "this botocore does not know where X-Ray keeps traces"
        return check("trace_destination", WARNING, told, "install requirements/controller.txt")
    destination = call(read, "read where X-Ray keeps traces")
    return check_trace_destination(destination, account_of(caller_arn), xray.meta.region_name)


def read_node_groups(eks: Any, cluster_name: str) -> list[dict[str, Any]]:
    """The managed node groups as EKS describes them."""
    what, names = f"node groups of cluster {cluster_name}", {"clusterName": cluster_name}
    found = [
        call(
            eks.describe_nodegroup,
            f"describe the {what}",
            missing_code="ResourceNotFoundException",
            **names,
            nodegroupName=name,
        ).get("nodegroup")
        for page in pages(eks.list_nodegroups, f"list the {what}", continued_by="nextToken", **names)
        for name in page["nodegroups"]
    ]
    return [group for group in found if group]


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
    clients = Clients(*(connect(module, service) for service in Clients._fields))
    return {"changed": False, **observe(clients, module.params["cluster_name"], minimum, module.params["spans"])}


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "cluster_name": {"type": "str", "required": True},
            "minimum_kubernetes_version": {"type": "str", "default": "1.30"},
            "spans": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
