#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: eks_pod_identity_association
version_added: 0.1.0
short_description: Manage which IAM roles EKS Pod Identity gives to Kubernetes service accounts
description:
  - Creates, updates and deletes the Pod Identity associations of an EKS cluster, the alternative to IAM roles for
    service accounts.
  - Takes a list, so that all associations of a cluster are one task.
  - An association is changed in place. Its ID stays, also where it gets another role.
  - Associations that belong to an EKS add-on are never changed here, see M(deepobs.eks.eks_addon).
notes:
  - "IAM permissions: C(eks:ListPodIdentityAssociations), C(eks:DescribePodIdentityAssociation),
    C(eks:CreatePodIdentityAssociation), C(eks:UpdatePodIdentityAssociation), C(eks:DeletePodIdentityAssociation),
    C(eks:TagResource), C(eks:UntagResource), C(iam:GetRole), C(iam:PassRole)."
  - C(iam:GetRole) is not needed with O(trust=ignore), C(iam:PassRole) is for the roles in O(associations).
  - The pods get credentials only where the add-on C(eks-pod-identity-agent) runs. Pods that run already keep the
    credentials they have, for up to six hours.
  - In check mode a role that does not exist counts as one that an earlier task would have created.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  cluster_name:
    description: Name of the EKS cluster.
    type: str
    required: true
  associations:
    description:
      - The associations, one at most for each service account.
      - With O(state=absent) only O(associations[].namespace) and O(associations[].service_account) count.
      - An empty list with O(state=exact) deletes every one in O(namespaces), but for those that belong to add-ons.
    type: list
    elements: dict
    required: true
    suboptions:
      namespace:
        description: Kubernetes namespace of the service account. It need not exist yet.
        type: str
        required: true
      service_account:
        description: Name of the service account. It need not exist yet.
        type: str
        required: true
      role_arn:
        description:
          - ARN of the IAM role that pods of the service account get, in the cluster's account.
          - Required unless O(state=absent).
        type: str
      target_role_arn:
        description:
          - ARN of a role, in any account, that is assumed by way of O(associations[].role_arn) and given to the pods
            in its place.
          - Left out, it stays as it is. An empty text takes it away.
        type: str
      disable_session_tags:
        description:
          - Whether the session gets no tags with the names of the cluster, the namespace, the service account and
            the pod.
          - Left out, it stays as it is. EKS adds the tags by default.
        type: bool
      policy:
        description:
          - IAM policy that the session's permissions are cut down to.
          - EKS takes it only with O(associations[].disable_session_tags=true).
          - Left out, it stays as it is. An empty dict takes it away.
        type: dict
      tags:
        description: Tags of the association. Left out, they stay as they are.
        type: dict
  state:
    description:
      - V(present) makes the associations as given.
      - V(absent) deletes them.
      - V(exact) makes them as given and deletes every other one in O(namespaces), but for those that belong to
        add-ons.
    type: str
    choices: [present, absent, exact]
    default: present
  namespaces:
    description:
      - How far O(state=exact) reaches, and required with it. Other namespaces are left alone.
      - V(*) stands for every namespace of the cluster.
    type: list
    elements: str
  purge_tags:
    description: Whether tags which are not in O(associations[].tags) are taken away where that is given.
    type: bool
    default: true
  trust:
    description:
      - What to do about a role that is not there, or whose trust policy does not let C(pods.eks.amazonaws.com) do
        C(sts:AssumeRole) and C(sts:TagSession). Its pods would get no credentials.
      - V(fail) tells it before anything is written, V(warn) warns of it. EKS itself refuses to create an association
        with such a role.
      - V(ignore) does not look.
    type: str
    choices: [fail, warn, ignore]
    default: fail
attributes:
  check_mode:
    description: Returns the associations as they would be and changes nothing.
    support: full
  diff_mode:
    description: Returns what the associations do before and after.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: deepobs.eks.eks_pod_identity_association_info
  - module: deepobs.eks.irsa_trust
"""

EXAMPLES = r"""
- name: Create a role that Pod Identity may give to pods
  amazon.aws.iam_role:
    name: deepobs-xray-daemon
    assume_role_policy_document:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal:
            Service: pods.eks.amazonaws.com
          Action:
            - sts:AssumeRole
            - sts:TagSession
    managed_policies:
      - arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess
  register: daemon_role

- name: Give it to the daemon's service account
  deepobs.eks.eks_pod_identity_association:
    cluster_name: shop
    associations:
      - namespace: xray-daemon
        service_account: xray-daemon
        role_arn: "{{ daemon_role.iam_role.arn }}"
        tags:
          team: observability

- name: Let a namespace have these associations and no others
  deepobs.eks.eks_pod_identity_association:
    cluster_name: shop
    state: exact
    namespaces: [shop]
    associations:
      - namespace: shop
        service_account: backend
        role_arn: arn:aws:iam::123456789012:role/shop-backend
        target_role_arn: arn:aws:iam::210987654321:role/orders
"""

RETURN = r"""
associations:
  description: The associations in O(associations) after the task. Empty with O(state=absent).
  returned: always
  type: list
  elements: dict
  contains:
    namespace:
      description: Namespace of the service account.
      returned: always
      type: str
      sample: xray-daemon
    service_account:
      description: Name of the service account.
      returned: always
      type: str
      sample: xray-daemon
    role_arn:
      description: ARN of the role.
      returned: always
      type: str
      sample: arn:aws:iam::123456789012:role/deepobs-xray-daemon
    target_role_arn:
      description: ARN of the role that is given to the pods in its place; null where there is none.
      returned: always
      type: str
      sample: arn:aws:iam::210987654321:role/orders
    disable_session_tags:
      description: Whether the session gets no tags.
      returned: always
      type: bool
      sample: false
    policy:
      description: Policy that the session's permissions are cut down to; null where there is none.
      returned: always
      type: dict
      sample: {"Version": "2012-10-17", "Statement": []}
    tags:
      description: Tags of the association.
      returned: always
      type: dict
      sample: {"team": "observability"}
    external_id:
      description: What the target role can ask for in C(sts:ExternalId); null without a target role.
      returned: always
      type: str
      sample: eu-west-1/123456789012/shop/xray-daemon/xray-daemon
    association_id:
      description: ID of the association; null while it is only planned.
      returned: always
      type: str
      sample: a-abcdefghijklmnop1
    association_arn:
      description: ARN of the association; null while it is only planned.
      returned: always
      type: str
      sample: arn:aws:eks:eu-west-1:123456789012:podidentityassociation/shop/a-abcdefghijklmnop1
    addon:
      description: Name of the add-on that it belongs to; null where it belongs to none.
      returned: always
      type: str
      sample: vpc-cni
    owner_arn:
      description: ARN of the add-on that it belongs to; null where it belongs to none.
      returned: always
      type: str
      sample: arn:aws:eks:eu-west-1:123456789012:addon/shop/vpc-cni/50b3e1f2-0000-0000-0000-000000000000
    created_at:
      description: When it was created; null while it is only planned.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00+00:00"
    modified_at:
      description: When it was last modified; null while it is only planned.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00+00:00"
"""

from collections.abc import Iterator
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.tagging import compare_aws_tags
from ansible_collections.deepobs.eks.plugins.module_utils.arns import account_of, resource_name
from ansible_collections.deepobs.eks.plugins.module_utils.aws import (
    DeepobsError,
    call,
    connect,
    error_code,
    run_module,
)
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_iam import read_role
from ansible_collections.deepobs.eks.plugins.module_utils.planning_anew import apply_or_plan_anew
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity import (
    SETTINGS,
    Association,
    Plan,
    Request,
    from_aws,
    name_of,
    plan_associations,
    settings_to_aws,
)
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity_readings import MISSING, read_associations
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity_trust import (
    PRINCIPAL,
    known_context,
    untrusted_actions,
)
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import wait_until

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster_name": {"type": "str", "required": True},
    "associations": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "namespace": {"type": "str", "required": True},
            "service_account": {"type": "str", "required": True},
            "role_arn": {"type": "str"},
            "target_role_arn": {"type": "str"},
            "disable_session_tags": {"type": "bool"},
            "policy": {"type": "dict"},
            "tags": {"type": "dict"},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"},
    "namespaces": {"type": "list", "elements": "str"},
    "purge_tags": {"type": "bool", "default": True},
    "trust": {"type": "str", "choices": ["fail", "warn", "ignore"], "default": "fail"},
}
# What EKS says when the associations are others by now: made or deleted by another run, or by a call whose answer
# was lost.
_OVERTAKEN = ("ResourceInUseException", MISSING)
# What it says of a role whose creation or trust has not reached it yet, though IAM told of it here.
_ROLE_NOT_SPREAD = ("Role provided in the request does not exist", "Trust policy of the role provided is invalid")
_SPREADING_SECONDS = 60.0
_AGAIN_AFTER_SECONDS = 2.0


def read_trust_policy(iam: Any, role_arn: str) -> dict[str, Any] | None:
    """The role's trust policy; None where there is no such role in the account."""
    role = read_role(iam, resource_name(role_arn))
    document: dict[str, Any] | None = role.get("AssumeRolePolicyDocument") if role.get("Arn") == role_arn else None
    return document


def trust_complaints(iam: Any, associations: list[Association], request: Request, planning: bool) -> Iterator[str]:
    """What is wrong with the associations' roles; while only planning, a role that is not there is not wrong."""
    roles = {association["role_arn"] for association in associations}
    policies = {role_arn: read_trust_policy(iam, role_arn) for role_arn in sorted(roles)}
    for association in associations:
        role_arn = association["role_arn"]
        policy = policies[role_arn]
        if policy is None and not planning:
            yield f"{name_of(association)}: there is no role {role_arn} in this account; create it first."
        if policy is None:
            continue
        cluster_arn = _cluster_arn(role_arn, request)
        context = known_context(cluster_arn, association["namespace"], association["service_account"])
        if actions := untrusted_actions(policy, context):
            yield (
                f"{name_of(association)}: the trust policy of {role_arn} does not let {PRINCIPAL} do"
                f" {' and '.join(actions)}; add a statement that does, as in this module's examples."
            )


def _cluster_arn(role_arn: str, request: Request) -> str:
    """The cluster's ARN: it is in the account of the roles."""
    return account_of(role_arn).cluster(request.region, request.cluster_name)


def apply(eks: Any, plan: Plan, cluster_name: str) -> list[Association]:
    """Makes the associations what the plan says; those that it names, as they are then."""
    for association in plan.delete:
        purpose = f"delete Pod Identity association {name_of(association)}"
        call(eks.delete_pod_identity_association, purpose, **_named(association, cluster_name))
    done = {name_of(after): _update(eks, before, after, cluster_name) for before, after in plan.update}
    done |= {name_of(association): _create(eks, association, cluster_name) for association in plan.create}
    return [done.get(name_of(association), association) for association in plan.after]


def _create(eks: Any, association: Association, cluster_name: str) -> Association:
    settings = settings_to_aws(association, [name for name in SETTINGS if association[name]])
    answer = call(
        eks.create_pod_identity_association,
        f"create Pod Identity association {name_of(association)}",
        clusterName=cluster_name,
        namespace=association["namespace"],
        serviceAccount=association["service_account"],
        **settings,
        **({"tags": association["tags"]} if association["tags"] else {}),
    )
    return from_aws(answer["association"])


def _update(eks: Any, before: Association, after: Association, cluster_name: str) -> Association:
    name, arn = name_of(after), before["association_arn"]
    changed = [setting for setting in SETTINGS if before[setting] != after[setting]]
    updated = after
    if changed:
        purpose = f"update Pod Identity association {name}"
        parameters = {**_named(before, cluster_name), **settings_to_aws(after, changed)}
        updated = from_aws(call(eks.update_pod_identity_association, purpose, **parameters)["association"])
    to_set, to_unset = compare_aws_tags(before["tags"], after["tags"])
    if to_unset:
        call(eks.untag_resource, f"untag Pod Identity association {name}", resourceArn=arn, tagKeys=to_unset)
    if to_set:
        call(eks.tag_resource, f"tag Pod Identity association {name}", resourceArn=arn, tags=to_set)
    return {**updated, "tags": after["tags"]}


def _named(association: Association, cluster_name: str) -> dict[str, str]:
    return {"clusterName": cluster_name, "associationId": association["association_id"]}


def converge(eks: Any, plan: Plan, request: Request, patience_seconds: float) -> list[Association]:
    """Applies a plan; plans anew where EKS refuses because the associations are others by now. Raises DeepobsError.

    It is patient where EKS does not know yet what IAM has told of a role. Returns what `apply` does.
    """

    def apply_planned(planned: Plan) -> list[Association]:
        return apply(eks, planned, request.cluster_name)

    def plan_anew() -> Plan:
        return plan_associations(read(eks, request), request)

    def attempt() -> tuple[list[Association], DeepobsError | None]:
        nonlocal plan
        try:
            return apply_or_plan_anew(plan, apply_planned, plan_anew, _is_overtaken), None
        except DeepobsError as error:
            if not _is_spreading(error):
                raise
            plan = plan_anew()
            return [], error

    associations, refused = wait_until(
        attempt, lambda _previous, tried: tried[1] is None, patience_seconds, _AGAIN_AFTER_SECONDS
    ).state
    if refused:
        raise refused
    return associations


def _is_spreading(error: DeepobsError) -> bool:
    return any(text in str(error.exception) for text in _ROLE_NOT_SPREAD)


def _is_overtaken(error: DeepobsError) -> bool:
    return error_code(error) in _OVERTAKEN


def read(eks: Any, request: Request) -> list[Association]:
    """The associations that the request concerns."""
    filters = {"namespace": request.only_namespace} if request.only_namespace else {}
    return read_associations(eks, request.cluster_name, request.concerns, **filters)


def run(module: Any) -> dict[str, Any]:
    """What the module returns; raises DeepobsError."""
    options = module.params
    eks = connect(module, "eks")
    request = Request(
        cluster_name=options["cluster_name"],
        region=eks.meta.region_name,
        associations=tuple(options["associations"]),
        state=options["state"],
        namespaces=tuple(options["namespaces"] or ()),
        purge_tags=options["purge_tags"],
    )
    request.check()
    plan = plan_associations(read(eks, request), request)
    trusted = options["trust"] != "ignore" and _check_trust(module, plan.after, request)
    associations = plan.after
    if plan.changed and not module.check_mode:
        associations = converge(eks, plan, request, _SPREADING_SECONDS if trusted else 0)
    return {"changed": plan.changed, "associations": associations, "diff": plan.diff}


def _check_trust(module: Any, associations: list[Association], request: Request) -> bool:
    """Whether all roles are there and trust Pod Identity; warns where they are not, or raises DeepobsError."""
    if not associations:
        return True
    complaints = list(trust_complaints(connect(module, "iam"), associations, request, module.check_mode))
    if complaints and module.params["trust"] == "fail":
        raise DeepobsError("associations: " + " ".join(complaints))
    for complaint in complaints:
        module.warn(complaint)
    return not complaints


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "exact", ("namespaces",))],
        supports_check_mode=True,
    )
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
