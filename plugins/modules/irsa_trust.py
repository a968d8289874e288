#!/usr/bin/python
# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: irsa_trust
version_added: 0.1.0
short_description: Manage which Kubernetes service accounts an IAM role trusts
description:
  - Merges service accounts of an EKS cluster into the trust policy of an IAM role (IAM roles for service accounts).
  - Subjects are merged into the statement that fits - one that allows the cluster's OIDC provider, and it alone, to
    C(sts:AssumeRoleWithWebIdentity) under a condition on audience and subjects and nothing else. Where none fits,
    one is added. All other statements stay as they are, in their order, so that other clusters, other tools and
    other tasks can share the role.
  - Subjects are compared with C(StringEquals). Only a subject with a wildcard of its own is compared with
    C(StringLike).
  - IAM refuses a trust policy without statements. Where the last one would go, a statement with the Sid V(Nobody)
    takes its place, which can never apply. It goes again with the first subject that is trusted. It is also what to
    create a role with which this module is to own, see the examples.
notes:
  - IAM replaces a trust policy as a whole and has no compare-and-set. This module reads the policy just before it
    writes. With O(settle_seconds) it also watches afterwards, and merges again what a slower writer undid in that
    time. A writer that undoes it later is found and mended by the next run. That none ever does cannot be promised.
  - In check mode a role or provider which does not exist counts as one that an earlier task would have created.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  role_name:
    description: Name of the IAM role. It must exist.
    type: str
    required: true
  cluster_name:
    description: Name of the EKS cluster whose OIDC provider issues the service accounts' tokens.
    type: str
    required: true
  subjects:
    description:
      - Service accounts, each as C(namespace:service_account).
      - C(*) stands for any text and C(?) for any one character, as in V(monitoring:*).
      - May be empty only when O(state=exact).
    type: list
    elements: str
    required: true
  state:
    description:
      - V(present) trusts these subjects as well as those already trusted.
      - V(absent) trusts these subjects no longer.
      - V(exact) trusts these subjects of this cluster and no others of it.
    type: str
    choices: [present, absent, exact]
    default: present
  audience:
    description: The audience that the tokens are issued for.
    type: str
    default: sts.amazonaws.com
  create_oidc_provider:
    description:
      - Creates the cluster's OIDC provider in IAM where there is none, and adds O(audience) to it where it is missing.
      - Without it, a provider that is missing fails the task. O(state=absent) needs and creates none.
    type: bool
    default: false
  thumbprints:
    description:
      - Thumbprints of the certificate authority of the cluster's issuer, for a provider that is created.
      - Without it IAM fetches the thumbprint itself.
    type: list
    elements: str
    default: []
  settle_seconds:
    description: How long to watch the policy after the last write.
    type: float
    default: 0
  policy_quota:
    description:
      - Characters that a trust policy may have in this account, white space not counted.
      - A policy that would grow past it is refused before anything is written.
    type: int
    default: 2048
attributes:
  check_mode:
    description: Returns the trust policy as it would be and changes nothing.
    support: full
  diff_mode:
    description: Returns trust policy and OIDC provider before and after.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look whether the role is there
  amazon.aws.iam_role_info:
    name: deepobs-xray-daemon
  register: existing

- name: Create the role, trusting nobody yet; one that is there keeps the trust policy it has
  amazon.aws.iam_role:
    name: deepobs-xray-daemon
    assume_role_policy_document: >-
      {{ (existing.iam_roles | first | default({})).assume_role_policy_document | default(nobody) }}
    managed_policies:
      - arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess
  vars:
    nobody:
      Version: "2012-10-17"
      Statement:
        - Sid: Nobody
          Effect: Allow
          Principal:
            Service: eks.amazonaws.com
          Action: sts:AssumeRole
          Condition:
            DateLessThan:
              aws:CurrentTime: "1970-01-01T00:00:00Z"

- name: Let the daemon's service account assume it
  deepobs.eks.irsa_trust:
    role_name: deepobs-xray-daemon
    cluster_name: shop
    subjects:
      - xray-daemon:xray-daemon
    create_oidc_provider: true

- name: Trust one service account of this cluster and no other
  deepobs.eks.irsa_trust:
    role_name: deepobs-xray-daemon
    cluster_name: shop
    subjects:
      - observability:xray
    state: exact
    settle_seconds: 10
"""

RETURN = r"""
trust_policy:
  description: The role's trust policy after the task. Empty when O(state=absent) and there is no such role.
  returned: always
  type: dict
  sample:
    Version: "2012-10-17"
    Statement:
      - Effect: Allow
        Principal:
          Federated: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF
        Action: sts:AssumeRoleWithWebIdentity
        Condition:
          StringEquals:
            oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF:aud: sts.amazonaws.com
            oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF:sub:
              - system:serviceaccount:xray-daemon:xray-daemon
subjects:
  description: All subjects of this cluster that the role trusts after the task, each as C(namespace:service_account).
  returned: always
  type: list
  elements: str
  sample: ["xray-daemon:xray-daemon"]
oidc_provider_arn:
  description: ARN of the cluster's OIDC provider in the role's account.
  returned: always
  type: str
  sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF
"""

import json
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, connect
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster, issuer_of
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import Request, TrustPlan, TrustState, plan_trust
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Document, Trust
from ansible_collections.deepobs.eks.plugins.module_utils.trust_settling import SharedDocument, put_and_watch
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

ARGUMENT_SPEC: dict[str, Any] = {
    "role_name": {"type": "str", "required": True},
    "cluster_name": {"type": "str", "required": True},
    "subjects": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"},
    "audience": {"type": "str", "default": "sts.amazonaws.com"},
    "create_oidc_provider": {"type": "bool", "default": False},
    "thumbprints": {"type": "list", "elements": "str", "default": []},
    "settle_seconds": {"type": "float", "default": 0},
    "policy_quota": {"type": "int", "default": 2048},
}


def read_role(iam: Any, role_name: str) -> dict[str, Any]:
    """The role as IAM describes it; empty where there is none."""
    answer = call(iam.get_role, f"read role {role_name}", missing_code="NoSuchEntity", RoleName=role_name)
    role: dict[str, Any] = answer.get("Role", {})
    return role


def read_audiences(iam: Any, provider_arn: str) -> tuple[str, ...] | None:
    """The audiences of an OIDC provider; None where there is no such provider."""
    answer = call(
        iam.get_open_id_connect_provider,
        f"read OIDC provider {provider_arn}",
        missing_code="NoSuchEntity",
        OpenIDConnectProviderArn=provider_arn,
    )
    return tuple(answer.get("ClientIDList", [])) if answer else None


def find_trust(role: dict[str, Any], cluster: dict[str, Any], audience: str) -> Trust:
    """The cluster's OIDC provider in the account of the role (of the cluster, while there is no role)."""
    _arn, partition, _service, _region, account, _name = (role.get("Arn") or cluster["arn"]).split(":", 5)
    issuer = issuer_of(cluster).removeprefix("https://")
    return Trust(f"arn:{partition}:iam::{account}:oidc-provider/{issuer}", audience)


def apply(iam: Any, plan: TrustPlan, request: Request, thumbprints: list[str], settle_seconds: float) -> Document:
    """Makes provider and trust policy what the plan says; the trust policy that stands afterwards.

    Raises DeepobsError where the plan lacks what must be there first.
    """
    for lack in plan.lacking:
        raise DeepobsError(lack)
    if plan.before.audiences != plan.after.audiences:
        _ensure_provider(iam, plan, thumbprints)
    if plan.before.document is None or plan.after.document is None:
        return {}
    if plan.before.document == plan.after.document and not settle_seconds:
        return plan.after.document
    return put_and_watch(_trust_policy(iam, request, plan.trust), settle_seconds, Stopwatch())


def _ensure_provider(iam: Any, plan: TrustPlan, thumbprints: list[str]) -> None:
    arn, audience = plan.trust.provider_arn, plan.trust.audience
    if plan.before.audiences is None:
        options: dict[str, Any] = {"ThumbprintList": thumbprints} if thumbprints else {}
        call(
            iam.create_open_id_connect_provider,
            f"create OIDC provider {arn}",
            Url=f"https://{plan.trust.issuer}",
            ClientIDList=[audience],
            **options,
        )
    else:
        call(
            iam.add_client_id_to_open_id_connect_provider,
            f"add audience {audience} to OIDC provider {arn}",
            OpenIDConnectProviderArn=arn,
            ClientID=audience,
        )


def _trust_policy(iam: Any, request: Request, trust: Trust) -> SharedDocument:
    def read() -> Document:
        role = read_role(iam, request.role_name)
        if not role:
            raise DeepobsError(f"IAM role {request.role_name!r} was deleted while its trust policy was being changed.")
        document: Document = role["AssumeRolePolicyDocument"]
        return document

    def write(document: Document) -> None:
        call(
            iam.update_assume_role_policy,
            f"write the trust policy of role {request.role_name}",
            RoleName=request.role_name,
            PolicyDocument=json.dumps(document),
        )

    return SharedDocument(read, write, lambda document: request.merge(document, trust))


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    options = module.params
    request = Request(
        role_name=options["role_name"],
        cluster_name=options["cluster_name"],
        subjects=tuple(options["subjects"]),
        state=options["state"],
        create_oidc_provider=options["create_oidc_provider"],
        policy_quota=options["policy_quota"],
    )
    try:
        request.check()
        iam = connect(module, "iam")
        role = read_role(iam, request.role_name)
        trust = find_trust(role, describe_cluster(connect(module, "eks"), request.cluster_name), options["audience"])
        current = TrustState(role.get("AssumeRolePolicyDocument"), read_audiences(iam, trust.provider_arn))
        plan = plan_trust(current, request, trust)
        if not module.check_mode:
            plan = plan.done(apply(iam, plan, request, options["thumbprints"], options["settle_seconds"]))
    except DeepobsError as error:
        module.fail_json_aws_error(error)
    module.exit_json(**plan.result())


if __name__ == "__main__":
    main()
