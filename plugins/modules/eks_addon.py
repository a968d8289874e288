#!/usr/bin/python
# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: eks_addon
version_added: 0.1.0
short_description: Manage add-ons of an Amazon EKS cluster
description:
  - Installs, configures, upgrades and removes add-ons of an EKS cluster, and waits until they work.
  - All add-ons of the task are checked and planned before anything is written, then all changes are started, and then
    all are waited for together. EKS changes several add-ons of one cluster at the same time.
  - Before anything is written the version is checked against those there are for the cluster's Kubernetes version,
    the configuration against the schema that this version publishes, also a present one that another version is to
    take over, and the service accounts against those it has.
  - What EKS is already doing with an add-on is waited for first and planned upon anew.
  - An add-on whose last change failed (V(CREATE_FAILED), V(UPDATE_FAILED), V(DELETE_FAILED)) is repaired by running the
    task again. A V(CREATE_FAILED) one is removed from EKS, which leaves its objects in the cluster, and created again.
  - When the version of an add-on changes, the diff, the result and a warning name the defaults that change with it and
    that the configuration does not set, as far as the two versions' schemas tell them.
author:
  - The deepobs.eks maintainers (@deepobs)
requirements:
  - jsonschema 4.18 or newer, when an add-on is configured
  - PyYAML, when an add-on's present configuration is stored as YAML
options:
  cluster_name:
    description: Name of the EKS cluster.
    type: str
    required: true
  addons:
    description: The add-ons, each once.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the add-on, such as V(amazon-cloudwatch-observability).
        type: str
        required: true
      version:
        description:
          - The version, such as V(v4.10.4-eksbuild.1). Without its build (V(v4.10.4)) it is the newest build of it.
          - V(default) is the one that AWS marks as default for the cluster's Kubernetes version, V(latest) the newest
            one for it. With either, and without a build, the add-on follows when AWS moves on, and each run asks for
            the versions there are. Pin the version where that would surprise.
          - Without it, an add-on that is there stays at its version, and a new one gets the default.
          - An older version than the present one is tried, with a warning, as EKS does.
        type: str
      configuration:
        description:
          - The add-on's configuration, as a whole. V({}) removes all of it, and leaving it out keeps what is there.
          - It is compared by meaning with what EKS has stored, be that JSON or YAML. What only says what the installed
            version's schema has as default makes no difference.
        type: dict
      service_account_role_arn:
        description:
          - ARN of the IAM role of the add-on's service account (IRSA), or the role's name where it is in the account of
            the cluster and has no path. It takes the place of Pod Identity associations.
          - An empty string takes the role away, and leaving it out keeps what is there.
        type: str
      pod_identity_associations:
        description:
          - The roles of the add-on's service accounts by EKS Pod Identity, as a whole. They take the place of
            O(addons[].service_account_role_arn).
          - V([]) removes all of them, and leaving it out keeps what is there.
        type: list
        elements: dict
        suboptions:
          service_account:
            description: Name of the service account.
            type: str
            required: true
          role_arn:
            description: ARN of its IAM role, or its name as for O(addons[].service_account_role_arn).
            type: str
            required: true
      namespace:
        description:
          - Namespace of a new add-on. Without it the add-on's own is taken.
          - EKS cannot move an add-on that is there, so another namespace than its present one fails the task.
        type: str
      resolve_conflicts:
        description: The same as O(resolve_conflicts), for this add-on alone.
        type: str
        choices: [none, overwrite, preserve]
  state:
    description:
      - Whether the add-ons should be there.
      - With V(absent) only O(addons[].name) counts.
    type: str
    choices: [present, absent]
    default: present
  resolve_conflicts:
    description:
      - What EKS does with an object of an add-on which was changed by somebody else.
      - V(none) makes the change fail, V(overwrite) puts EKS' values in place, V(preserve) keeps the others.
    type: str
    choices: [none, overwrite, preserve]
    default: none
  preserve:
    description: Leaves the add-ons' objects in the cluster when O(state=absent), and only ends EKS' care of them.
    type: bool
    default: false
  wait:
    description:
      - Waits until EKS is done with what the task starts. Without it, a failure of that does not fail the task.
      - What EKS is already doing with an add-on that is to be changed is waited for in any case.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait at most, for what EKS is already doing and again for what the task starts.
    type: int
    default: 1200
  degraded:
    description:
      - What a V(DEGRADED) add-on means when O(wait=true).
      - V(fail) fails the task, V(warn) goes on with a warning, both after O(degraded_grace_seconds). V(accept) goes on
        at once; only after an update that failed it waits as well, since the add-on can heal then.
    type: str
    choices: [fail, warn, accept]
    default: fail
  degraded_grace_seconds:
    description: How long a V(DEGRADED) add-on is given to heal by itself, as one does whose nodes are still starting.
    type: int
    default: 120
notes:
  - "IAM permissions: C(eks:DescribeAddon), C(eks:DescribePodIdentityAssociation), C(eks:DescribeCluster),
    C(eks:DescribeAddonVersions), C(eks:DescribeAddonConfiguration), C(eks:CreateAddon), C(eks:UpdateAddon),
    C(eks:DescribeUpdate), C(eks:DeleteAddon), C(eks:TagResource), C(eks:UntagResource),
    C(eks:CreatePodIdentityAssociation), C(iam:PassRole)."
  - An add-on that is as it should be needs C(eks:DescribeAddon) alone, and C(eks:DescribePodIdentityAssociation) when
    it has associations. C(eks:DescribeCluster) and C(eks:DescribeAddonVersions) find a version,
    C(eks:DescribeAddonConfiguration) checks what is configured, C(iam:PassRole) hands a role to an add-on, and
    C(eks:CreatePodIdentityAssociation) lets it do so by O(addons[].pod_identity_associations).
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Makes every check, returns the add-ons as they would be and changes nothing.
    support: full
  diff_mode:
    description: Returns the add-ons before and after, by their names, with the defaults that a new version changes.
    support: full
"""

EXAMPLES = r"""
- name: Container Insights, pinned, with a role of its own
  deepobs.eks.eks_addon:
    cluster_name: shop
    addons:
      - name: amazon-cloudwatch-observability
        version: v4.10.4-eksbuild.1
        service_account_role_arn: arn:aws:iam::123456789012:role/shop-cloudwatch-agent
        configuration:
          containerLogs:
            enabled: false
    resolve_conflicts: overwrite
    tags:
      team: shop

- name: Several at once, one by EKS Pod Identity, going on while nodes still start
  deepobs.eks.eks_addon:
    cluster_name: shop
    addons:
      - name: eks-pod-identity-agent
        version: default
      - name: amazon-cloudwatch-observability
        version: v6.2.0
        pod_identity_associations:
          - service_account: cloudwatch-agent
            role_arn: shop-cloudwatch-agent
      - name: vpc-cni
        configuration:
          env:
            ENABLE_PREFIX_DELEGATION: "true"
        resolve_conflicts: preserve
    degraded: warn

- name: Take them away again
  deepobs.eks.eks_addon:
    cluster_name: shop
    addons:
      - name: amazon-cloudwatch-observability
      - name: eks-pod-identity-agent
    state: absent
"""

RETURN = r"""
addons:
  description:
    - The add-ons after the task, or as they would be in check mode. Those that are not there are left out.
    - When the task fails after it began to change something, the add-ons as they were seen last.
  returned: always
  type: list
  elements: dict
  contains:
    cluster_name:
      description: Name of the cluster.
      returned: always
      type: str
      sample: shop
    addon_name:
      description: Name of the add-on.
      returned: always
      type: str
      sample: amazon-cloudwatch-observability
    addon_version:
      description: Its version.
      returned: always
      type: str
      sample: v4.10.4-eksbuild.1
    addon_arn:
      description: Its ARN. Null in check mode while it is still to be created.
      returned: always
      type: str
      sample: arn:aws:eks:eu-west-1:123456789012:addon/shop/amazon-cloudwatch-observability/0ac4b7d2
    status:
      description: Its status. In check mode V(ACTIVE), what a change would end in.
      returned: always
      type: str
      sample: ACTIVE
    health:
      description: What EKS finds wrong with it.
      returned: always
      type: dict
      contains:
        issues:
          description: The findings.
          returned: always
          type: list
          elements: dict
          contains:
            code:
              description: EKS' code of the finding.
              returned: always
              type: str
              sample: InsufficientNumberOfReplicas
            message:
              description: What EKS says about it.
              returned: always
              type: str
              sample: The add-on is unhealthy because it doesn't have the desired number of replicas.
            resource_ids:
              description: What it concerns.
              returned: always
              type: list
              elements: str
              sample: []
            remedy:
              description: What mends it.
              returned: always
              type: str
              sample: look at 'kubectl get pods -A'
    configuration:
      description: Its configuration. Empty where it has none of its own.
      returned: always
      type: dict
      sample: {"containerLogs": {"enabled": false}}
    service_account_role_arn:
      description: ARN of the role of its service account. Null without one.
      returned: always
      type: str
      sample: arn:aws:iam::123456789012:role/shop-cloudwatch-agent
    pod_identity_associations:
      description: The roles of its service accounts by EKS Pod Identity.
      returned: always
      type: list
      elements: dict
      contains:
        service_account:
          description: Name of the service account.
          returned: always
          type: str
          sample: cloudwatch-agent
        role_arn:
          description: ARN of its role.
          returned: always
          type: str
          sample: arn:aws:iam::123456789012:role/shop-cloudwatch-agent
    namespace:
      description: The namespace it is in. Null where EKS does not tell.
      returned: always
      type: str
      sample: amazon-cloudwatch
    tags:
      description: Its tags.
      returned: always
      type: dict
      sample: {"team": "shop"}
    publisher:
      description: Who publishes it.
      returned: always
      type: str
      sample: eks
    owner:
      description: Who owns it.
      returned: always
      type: str
      sample: aws
    created_at:
      description: When it was created. Null in check mode while it is still to be created.
      returned: always
      type: str
      sample: "2026-02-01T10:00:00+00:00"
    modified_at:
      description: When it was last changed. Null in check mode while it is still to be created.
      returned: always
      type: str
      sample: "2026-02-01T10:00:00+00:00"
    changed_defaults:
      description:
        - The defaults that the new version changes and that the configuration does not set, by the options' paths, each
          with C(before) and C(after). V(unknown) stands for one that only the other version's schema tells.
      returned: when the version changes
      type: dict
      sample: {"manager.applicationSignals.autoMonitor.monitorAllServices": {"before": false, "after": true}}
    unknown_defaults:
      description: Options that the configuration does not set and whose default neither version's schema tells.
      returned: when the version changes
      type: list
      elements: str
      sample: [agent.replicas]
    added_options:
      description: Options that only the new version has, with their defaults, or V(unknown).
      returned: when the version changes
      type: dict
      sample: {"applicationSignals.enabled": true}
    removed_options:
      description: Options that only the former version had.
      returned: when the version changes
      type: list
      elements: str
      sample: []
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Catalogue
from ansible_collections.deepobs.eks.plugins.module_utils.addon_changes import Changes, Course, Patience
from ansible_collections.deepobs.eks.plugins.module_utils.addon_operator import AddonOperator
from ansible_collections.deepobs.eks.plugins.module_utils.addon_planner import make_plan
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import Desired
from ansible_collections.deepobs.eks.plugins.module_utils.addon_results import actual_result, combined, planned_result
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

_CONFLICTS = ["none", "overwrite", "preserve"]
_ASSOCIATION_SPEC = {
    "service_account": {"type": "str", "required": True},
    "role_arn": {"type": "str", "required": True},
}
_ADDON_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str"},
    "configuration": {"type": "dict"},
    "service_account_role_arn": {"type": "str"},
    "pod_identity_associations": {"type": "list", "elements": "dict", "options": _ASSOCIATION_SPEC},
    "namespace": {"type": "str"},
    "resolve_conflicts": {"type": "str", "choices": _CONFLICTS},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "cluster_name": {"type": "str", "required": True},
    "addons": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": _ADDON_SPEC,
        "mutually_exclusive": [("service_account_role_arn", "pod_identity_associations")],
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "resolve_conflicts": {"type": "str", "choices": _CONFLICTS, "default": "none"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "preserve": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 1200},
    "degraded": {"type": "str", "choices": ["fail", "warn", "accept"], "default": "fail"},
    "degraded_grace_seconds": {"type": "int", "default": 120},
}


def desired_addons(options: dict[str, Any]) -> list[Desired]:
    """The module's options as what is asked for of each add-on; raises DeepobsError for one that is given twice."""
    names = [addon["name"] for addon in options["addons"]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DeepobsError(f"addons: each add-on is to be given once, and {', '.join(twice)} is given more than once.")
    tags = options["tags"]
    return [
        Desired(
            cluster_name=options["cluster_name"],
            present=options["state"] == "present",
            tags=None if tags is None else {key: str(value) for key, value in tags.items()},
            purge_tags=options["purge_tags"],
            preserve=options["preserve"],
            **{**addon, "resolve_conflicts": addon["resolve_conflicts"] or options["resolve_conflicts"]},
        )
        for addon in options["addons"]
    ]


def patience_of(options: dict[str, Any]) -> Patience:
    """The module's options as how to wait."""
    return Patience(options["wait"], options["wait_timeout"], options["degraded"], options["degraded_grace_seconds"])


def plan_courses(eks: Any, catalogue: Catalogue, wanted: list[Desired], watch: Stopwatch) -> dict[str, Course]:
    """Looks at every add-on and plans for it; raises one DeepobsError with all that cannot be."""
    courses: dict[str, Course] = {}
    errors = []
    for desired in wanted:
        try:
            courses[desired.name] = _plan_course(eks, catalogue, desired, watch)
        except DeepobsError as error:
            errors.append(error)
    if errors:
        raise combined(errors, len(wanted), {"changed": False})
    return courses


def _plan_course(eks: Any, catalogue: Catalogue, desired: Desired, watch: Stopwatch) -> Course:
    operator = AddonOperator(eks, desired, watch)
    sight = operator.look()
    return Course(
        operator,
        lambda current: make_plan(catalogue, desired, current),
        sight,
        make_plan(catalogue, desired, sight.addon),
    )


def keep_addons(module: Any, eks: Any, watch: Stopwatch) -> dict[str, Any]:
    """Makes the add-ons what the task says; what the module returns."""
    catalogue = Catalogue(eks, module.params["cluster_name"])
    courses = plan_courses(eks, catalogue, desired_addons(module.params), watch)
    if not module.check_mode:
        Changes(list(courses.values()), patience_of(module.params), watch).run()
    for course in courses.values():
        for warning in (*course.first.warnings, *course.warnings):
            module.warn(warning)
    if module.check_mode:
        return planned_result({name: course.plan for name, course in courses.items()})
    result = actual_result(courses)
    if errors := [course.error for course in courses.values() if course.error]:
        raise combined(errors, len(courses), result)
    return result


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: keep_addons(module, connect(module, "eks"), Stopwatch()))


if __name__ == "__main__":
    main()
