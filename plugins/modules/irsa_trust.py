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
  - A statement fits in whatever form IAM takes it - a text for a list of one, keys and action in another case,
    C(ForAnyValue:), C(StringLike) for a text without wildcards. What is kept in it keeps its form.
  - Subjects are compared with C(StringEquals). Only a subject with a wildcard of its own is compared with
    C(StringLike).
  - IAM refuses a trust policy without statements. Where the last one would go, a statement with the Sid V(Nobody)
    takes its place, which can never apply. It goes again with the first subject that is trusted.
notes:
  - "IAM permissions: C(eks:DescribeCluster), C(iam:GetRole), C(iam:UpdateAssumeRolePolicy),
    C(iam:GetOpenIDConnectProvider), C(iam:CreateOpenIDConnectProvider), C(iam:AddClientIDToOpenIDConnectProvider)."
  - C(iam:CreateOpenIDConnectProvider) and C(iam:AddClientIDToOpenIDConnectProvider) are needed only with
    O(create_oidc_provider=true).
  - IAM replaces a trust policy as a whole and has no compare-and-set, so a lost update can be found and mended, not
    excluded. This module reads the policy just before each write. With O(settle_seconds) it then looks every half
    second until the policy has stood unchanged for that long, at most ten minutes, and merges again what others undid.
    One look that misses the change may be IAM's eventual consistency; two in a row count.
  - Call a writer's gap the time from its reading of the policy to its writing. What tasks with O(settle_seconds) put
    into the policy is still there when all writers have ended if every writer's gap was shorter than O(settle_seconds),
    and no policy was replaced and then restored just as it was between two looks. It is not promised without
    O(settle_seconds), nor against a slower writer, such as a person with an editor open. The next run mends that.
  - A task that finds nothing to do neither writes nor watches.
  - The audience is V(sts.amazonaws.com) in the partitions aws-cn and aws-us-gov as well. EKS asks for tokens of this
    audience everywhere; V(sts.amazonaws.com.cn) is the name of an endpoint.
  - IAM is eventually consistent. A role that an earlier task has just created, or one that IAM does not yet take as a
    principal, is waited for, for 8 seconds at most.
  - In check mode a role or provider which does not exist counts as one that an earlier task would have created.
seealso:
  - module: deepobs.eks.irsa_role
  - module: deepobs.eks.irsa_trust_info
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  role_name:
    description: Name of the IAM role. It must exist; M(deepobs.eks.irsa_role) creates roles.
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
    description:
      - The audience that the tokens are issued for.
      - Another one than the default wants the annotation C(eks.amazonaws.com/audience) on the service account.
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
    description:
      - How long the policy must have stood unchanged after the last write; see the notes for what that promises.
      - V(0) does not look again. In check mode nothing is watched.
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

- name: Trust one in China; provider, partition and issuer are the cluster's own
  deepobs.eks.irsa_trust:
    role_name: deepobs-xray-daemon
    cluster_name: shop
    region: cn-north-1
    subjects:
      - xray-daemon:xray-daemon
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

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_iam import (
    RoleGoneError,
    ensure_provider,
    read_audiences,
    read_awaited_role,
    read_role,
    trust_of,
    trust_policy_of,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import (
    Request,
    TrustPlan,
    TrustState,
    plan_trust,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Document, Trust
from ansible_collections.deepobs.eks.plugins.module_utils.trust_settling import put_and_watch
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


def observe(iam: Any, request: Request, trust: Trust, check: bool, watch: Stopwatch) -> TrustState:
    """The role's trust policy and its provider; a role that a run needs is waited for."""
    if check or request.state == "absent":
        role = read_role(iam, request.role_name)
    else:
        role = read_awaited_role(iam, request.role_name, watch)
    return TrustState(role.get("AssumeRolePolicyDocument"), read_audiences(iam, trust.provider_arn))


def apply(
    iam: Any, plan: TrustPlan, request: Request, thumbprints: list[str], settle_seconds: float, watch: Stopwatch
) -> Document | None:
    """Makes provider and trust policy what the plan says; the trust policy that stands afterwards, None: no role.

    Raises DeepobsError where the plan lacks what must be there first.
    """
    for lack in plan.lacking:
        raise DeepobsError(lack)
    if plan.before.audiences != plan.after.audiences:
        ensure_provider(iam, plan.trust, plan.before.audiences, thumbprints)
    if plan.before.document == plan.after.document:
        return plan.after.document
    shared = trust_policy_of(iam, request.role_name, lambda document: request.merge(document, plan.trust), watch)
    try:
        return put_and_watch(shared, settle_seconds, watch)
    except RoleGoneError:
        if request.state != "absent":
            raise
        return None


def work(module: AnsibleAWSModule, watch: Stopwatch) -> dict[str, Any]:
    """What the module returns; raises DeepobsError."""
    options = module.params
    request = Request(
        role_name=options["role_name"],
        cluster_name=options["cluster_name"],
        subjects=tuple(options["subjects"]),
        state=options["state"],
        create_oidc_provider=options["create_oidc_provider"],
        policy_quota=options["policy_quota"],
    )
    request.check()
    iam = connect(module, "iam")
    trust = trust_of(describe_cluster(connect(module, "eks"), request.cluster_name), options["audience"])
    plan = plan_trust(observe(iam, request, trust, module.check_mode, watch), request, trust)
    if not module.check_mode:
        plan = plan.done(apply(iam, plan, request, options["thumbprints"], options["settle_seconds"], watch))
    for warning in plan.warnings(request):
        module.warn(warning)
    return plan.result()


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: work(module, Stopwatch()))


if __name__ == "__main__":
    main()
