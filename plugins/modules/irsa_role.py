#!/usr/bin/python
# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: irsa_role
version_added: 0.1.0
short_description: Manage IAM roles for the service accounts of an EKS cluster
description:
  - Creates IAM roles that service accounts of an EKS cluster may assume, with their policies and tags, all in one task.
  - A new role has its trust from its first moment. Into the trust policy of a role that is there, the subjects are
    merged as M(deepobs.eks.irsa_trust) does it; what others put there stays, in its order.
  - Kubernetes is not touched. Annotate the service account with C(eks.amazonaws.com/role-arn) and the ARN returned.
notes:
  - "IAM permissions: C(eks:DescribeCluster), C(iam:GetRole), C(iam:ListAttachedRolePolicies), C(iam:CreateRole),
    C(iam:UpdateRole), C(iam:TagRole), C(iam:UntagRole), C(iam:AttachRolePolicy), C(iam:DetachRolePolicy),
    C(iam:ListRolePolicies), C(iam:GetRolePolicy), C(iam:PutRolePolicy), C(iam:DeleteRolePolicy),
    C(iam:PutRolePermissionsBoundary), C(iam:DeleteRolePermissionsBoundary), C(iam:UpdateAssumeRolePolicy),
    C(iam:DeleteRole), C(iam:GetOpenIDConnectProvider), C(iam:CreateOpenIDConnectProvider),
    C(iam:AddClientIDToOpenIDConnectProvider)."
  - A run that finds everything in place makes two calls, and two more a role, one more for each inline policy named.
  - What is promised of a trust policy that others write at the same time stands in the notes of
    M(deepobs.eks.irsa_trust).
  - IAM is eventually consistent. What it does not find yet though it was made a moment ago is waited for, for 8 seconds
    at most.
  - A role that cannot be changed ends the task. The failure returns the roles that were changed before it, and the next
    run goes on from there.
  - In check mode an OIDC provider which does not exist counts as one that an earlier task would have created.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  cluster_name:
    description: Name of the EKS cluster whose OIDC provider issues the service accounts' tokens.
    type: str
    required: true
  roles:
    description:
      - The roles, each with a name of its own.
      - With O(state=absent) only O(roles[].name) and O(roles[].subjects) count.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the role.
        type: str
        required: true
      subjects:
        description:
          - Service accounts that may assume the role, each as C(namespace:service_account).
          - C(*) stands for any text and C(?) for any one character, as in V(monitoring:*).
        type: list
        elements: str
        required: true
      managed_policies:
        description:
          - ARNs of the managed policies to attach.
          - AWS's own are taken in the partition of the account, so V(arn:aws:iam::aws:policy/...) will do in China.
        type: list
        elements: str
        default: []
      inline_policies:
        description: Policy documents to keep in the role, by their names.
        type: dict
        default: {}
      description:
        description: What the role is for. Without it a description that is there stays.
        type: str
      path:
        description:
          - Path of a role that is created, V(/) without it.
          - IAM cannot change the path of a role. One that has another path fails the task.
        type: str
      permissions_boundary:
        description: ARN of the policy that bounds the role's permissions. V('') takes a boundary away.
        type: str
      max_session_duration:
        description: How many seconds a session of the role may last, from 3600 to 43200.
        type: int
      tags:
        description: Tags of the role.
        type: dict
        default: {}
  state:
    description:
      - V(present) keeps the roles, and the subjects' trust in them.
      - V(absent) trusts the subjects no longer, and deletes a role which then trusts nobody, with its policies.
    type: str
    choices: [present, absent]
    default: present
  purge_policies:
    description: Detaches managed policies and deletes inline policies that are not named.
    type: bool
    default: false
  purge_tags:
    description: Removes tags that are not named.
    type: bool
    default: false
  audience:
    description: The audience that the tokens are issued for, V(sts.amazonaws.com) in every partition.
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
    description: How long a trust policy must have stood unchanged after a write, as in M(deepobs.eks.irsa_trust).
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
    description: Returns the roles as they would be and changes nothing.
    support: full
  diff_mode:
    description: Returns roles and OIDC provider before and after.
    support: full
seealso:
  - module: deepobs.eks.irsa_trust
  - module: deepobs.eks.irsa_trust_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let the agent and the daemon speak to AWS
  deepobs.eks.irsa_role:
    cluster_name: shop
    create_oidc_provider: true
    roles:
      - name: shop-cloudwatch-agent
        subjects:
          - amazon-cloudwatch:cloudwatch-agent
        managed_policies:
          - arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy
      - name: shop-xray-daemon
        subjects:
          - xray-daemon:xray-daemon
        managed_policies:
          - arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess
        tags:
          team: observability
  register: irsa

- name: Annotate the daemon's service account
  kubernetes.core.k8s:
    state: patched
    api_version: v1
    kind: ServiceAccount
    namespace: xray-daemon
    name: xray-daemon
    definition:
      metadata:
        annotations:
          eks.amazonaws.com/role-arn: "{{ irsa.roles[1].arn }}"

- name: Take the daemon's role away, unless others are trusted by it
  deepobs.eks.irsa_role:
    cluster_name: shop
    state: absent
    roles:
      - name: shop-xray-daemon
        subjects:
          - xray-daemon:xray-daemon
"""

RETURN = r"""
roles:
  description: The roles named that are there after the task, in their order. With O(state=absent) those that remain.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the role.
      returned: always
      type: str
      sample: shop-xray-daemon
    arn:
      description: Its ARN, which the service account is to be annotated with.
      returned: always
      type: str
      sample: arn:aws:iam::123456789012:role/shop-xray-daemon
    path:
      description: Its path.
      returned: always
      type: str
      sample: /
    description:
      description: What it is for.
      returned: always
      type: str
      sample: Assumed by xray-daemon:xray-daemon of shop
    max_session_duration:
      description: How many seconds a session may last.
      returned: always
      type: int
      sample: 3600
    permissions_boundary:
      description: ARN of the policy that bounds its permissions. Empty where there is none.
      returned: always
      type: str
      sample: ""
    managed_policies:
      description: ARNs of all managed policies attached to it, sorted.
      returned: always
      type: list
      elements: str
      sample: ["arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"]
    inline_policies:
      description: The inline policies named by the task, with O(purge_policies=true) all, by their names.
      returned: always
      type: dict
      sample: {}
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {"team": "observability"}
    trust_policy:
      description: Its trust policy.
      returned: always
      type: dict
    subjects:
      description: All subjects of this cluster that it trusts, each as C(namespace:service_account).
      returned: always
      type: list
      elements: str
      sample: ["xray-daemon:xray-daemon"]
oidc_provider_arn:
  description: ARN of the cluster's OIDC provider.
  returned: always
  type: str
  sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_iam import ensure_provider, read_audiences, trust_of
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_role_changes import RoleChanges
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_roles import Purge, Role, check_names, plan_role
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import Request, lacking_provider, with_audience
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Trust
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster_name": {"type": "str", "required": True},
    "roles": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "subjects": {"type": "list", "elements": "str", "required": True},
            "managed_policies": {"type": "list", "elements": "str", "default": []},
            "inline_policies": {"type": "dict", "default": {}},
            "description": {"type": "str"},
            "path": {"type": "str"},
            "permissions_boundary": {"type": "str"},
            "max_session_duration": {"type": "int"},
            "tags": {"type": "dict", "default": {}},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "purge_policies": {"type": "bool", "default": False},
    "purge_tags": {"type": "bool", "default": False},
    "audience": {"type": "str", "default": "sts.amazonaws.com"},
    "create_oidc_provider": {"type": "bool", "default": False},
    "thumbprints": {"type": "list", "elements": "str", "default": []},
    "settle_seconds": {"type": "float", "default": 0},
    "policy_quota": {"type": "int", "default": 2048},
}


@dataclass(frozen=True)
class Task:
    """One role of the task: what is asked, and what it was found to be."""

    wanted: Mapping[str, Any]
    request: Request
    trust: Trust
    purge: Purge
    changes: RoleChanges
    before: Role | None

    def plan(self) -> Role | None:
        """The role as it should be, None: not there."""
        return plan_role(self.before, self.wanted, self.request, self.trust, self.purge)

    def apply(self, after: Role | None) -> Role | None:
        """Makes the role what it should be; the role as it is afterwards."""
        if after is None:
            return self.changes.remove(self.before) if self.before else None
        if self.before:
            return self.changes.update(self.before, after)
        if self.changes.create(after):
            return self.changes.update(replace(after, managed_policies=(), inline_policies={}), after)
        found = replace(self, before=self.changes.read_awaited(self.wanted["inline_policies"]))
        return found.apply(found.plan())


def observe(module: AnsibleAWSModule, iam: Any, trust: Trust, watch: Stopwatch) -> list[Task]:
    """The roles of the task with what is there of each; raises DeepobsError for what cannot be a subject."""
    options = module.params
    requests = [request_of(options, wanted) for wanted in options["roles"]]
    purge = Purge(policies=options["purge_policies"], tags=options["purge_tags"])
    tasks = []
    for wanted, request in zip(options["roles"], requests, strict=True):
        merge = partial(request.merge, trust=trust)
        changes = RoleChanges(iam, wanted["name"], merge, options["settle_seconds"], watch)
        whole = purge.policies or request.state == "absent"
        before = changes.read(None if whole else wanted["inline_policies"])
        tasks.append(Task(wanted, request, trust, purge, changes, before))
    return tasks


def request_of(options: Mapping[str, Any], wanted: Mapping[str, Any]) -> Request:
    """What is asked of one role's trust policy; raises DeepobsError for what cannot be a subject."""
    request = Request(
        role_name=wanted["name"],
        cluster_name=options["cluster_name"],
        subjects=tuple(wanted["subjects"]),
        state=options["state"],
        create_oidc_provider=options["create_oidc_provider"],
        policy_quota=options["policy_quota"],
    )
    request.check()
    return request


def work(module: AnsibleAWSModule, watch: Stopwatch) -> dict[str, Any]:
    """What the module returns; plans every role before the first is changed. Raises DeepobsError."""
    options = module.params
    check_names(options["roles"])
    iam = connect(module, "iam")
    trust = trust_of(describe_cluster(connect(module, "eks"), options["cluster_name"]), options["audience"])
    create = options["create_oidc_provider"] and options["state"] == "present"
    audiences = None if options["state"] == "absent" else read_audiences(iam, trust.provider_arn)
    wanted_audiences = with_audience(audiences, trust, create)
    tasks = observe(module, iam, trust, watch)
    plans = [task.plan() for task in tasks]
    if not module.check_mode:
        if options["state"] == "present":
            for lack in lacking_provider(wanted_audiences, options["cluster_name"], trust):
                raise DeepobsError(lack)
        if audiences != wanted_audiences:
            ensure_provider(iam, trust, audiences, options["thumbprints"])
    before = [task.before for task in tasks], audiences
    if not module.check_mode:
        plans = apply(tasks, plans, lambda roles: result(trust, before, (roles, wanted_audiences)))
    return result(trust, before, (plans, wanted_audiences))


def apply(
    tasks: Sequence[Task], plans: Sequence[Role | None], result_of: Callable[[Sequence[Role | None]], dict[str, Any]]
) -> list[Role | None]:
    """Makes each role what its plan says; the roles as they are afterwards.

    Raises the first DeepobsError, with the result of the roles before it; its own is told as it was found, for how far
    its changes came is for the next run to see.
    """
    done: list[Role | None] = []
    for task, plan in zip(tasks, plans, strict=True):
        try:
            done.append(task.apply(plan))
        except DeepobsError as error:
            error.result = result_of([*done, *(task.before for task in tasks[len(done) :])])
            raise
    return done


def result(
    trust: Trust,
    before: tuple[Sequence[Role | None], tuple[str, ...] | None],
    after: tuple[Sequence[Role | None], tuple[str, ...] | None],
) -> dict[str, Any]:
    """What the module returns, of the roles and the provider's audiences before and after."""
    diff = {"before": described(trust, *before), "after": described(trust, *after)}
    return {
        "changed": diff["before"] != diff["after"],
        "roles": diff["after"]["roles"],
        "oidc_provider_arn": trust.provider_arn,
        "diff": diff,
    }


def described(trust: Trust, roles: Sequence[Role | None], audiences: tuple[str, ...] | None) -> dict[str, Any]:
    """The shape of the diff."""
    provider = None if audiences is None else {"arn": trust.provider_arn, "audiences": list(audiences)}
    return {"roles": [role.described(trust) for role in roles if role], "oidc_provider": provider}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: work(module, Stopwatch()))


if __name__ == "__main__":
    main()
