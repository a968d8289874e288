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
  - Installs, configures, upgrades and removes an add-on of an EKS cluster, and waits until it works.
  - Before anything is written the version is checked against those there are for the cluster's Kubernetes version,
    the configuration against the schema that this version publishes, and the service accounts against those it has.
  - What EKS is already doing with the add-on is waited for first.
  - An add-on whose last change failed (V(CREATE_FAILED), V(UPDATE_FAILED), V(DELETE_FAILED)) is repaired by running the
    task again. A V(CREATE_FAILED) one is removed from EKS, which leaves its objects in the cluster, and created again.
author:
  - The deepobs.eks maintainers (@deepobs)
requirements:
  - jsonschema, when O(configuration) is given
  - PyYAML, when the add-on's present configuration is stored as YAML
options:
  cluster_name:
    description: Name of the EKS cluster.
    type: str
    required: true
  name:
    description: Name of the add-on, such as V(amazon-cloudwatch-observability).
    type: str
    required: true
    aliases: [addon_name]
  state:
    description: Whether the add-on should be there.
    type: str
    choices: [present, absent]
    default: present
  version:
    description:
      - The version, such as V(v4.10.4-eksbuild.1).
      - V(default) is the one that AWS marks as default for the cluster's Kubernetes version, V(latest) the newest one
        for it. With either, the add-on follows when AWS moves on. Pin the version where that would surprise.
      - Without it, an add-on that is there stays at its version, and a new one gets the default.
    type: str
  configuration:
    description:
      - The add-on's configuration, as a whole. V({}) removes all of it, and leaving it out keeps what is there.
      - It is compared by meaning with what EKS has stored, be that JSON or YAML.
    type: dict
  service_account_role_arn:
    description:
      - ARN of the IAM role of the add-on's service account (IRSA). It takes the place of Pod Identity associations.
      - Leaving it out keeps what is there.
    type: str
  pod_identity_associations:
    description:
      - The roles of the add-on's service accounts by EKS Pod Identity, as a whole. They take the place of
        O(service_account_role_arn).
      - V([]) removes all of them, and leaving it out keeps what is there.
    type: list
    elements: dict
    suboptions:
      service_account:
        description: Name of the service account.
        type: str
        required: true
      role_arn:
        description: ARN of its IAM role.
        type: str
        required: true
  resolve_conflicts:
    description:
      - What EKS does with an object of the add-on which was changed by somebody else.
      - V(none) makes the change fail, V(overwrite) puts EKS' values in place, V(preserve) keeps the others.
    type: str
    choices: [none, overwrite, preserve]
    default: none
  preserve:
    description: Leaves the add-on's objects in the cluster when O(state=absent), and only ends EKS' care of them.
    type: bool
    default: false
  wait:
    description: Waits until EKS is done. Without it, a failure of what was started does not fail the task.
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
        at once.
    type: str
    choices: [fail, warn, accept]
    default: fail
  degraded_grace_seconds:
    description: How long a V(DEGRADED) add-on is given to heal by itself, as one does whose nodes are still starting.
    type: int
    default: 120
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Makes every check, returns the add-on as it would be and changes nothing.
    support: full
  diff_mode:
    description: Returns the add-on before and after.
    support: full
"""

EXAMPLES = r"""
- name: Container Insights, pinned, with a role of its own
  deepobs.eks.eks_addon:
    cluster_name: shop
    name: amazon-cloudwatch-observability
    version: v4.10.4-eksbuild.1
    service_account_role_arn: arn:aws:iam::123456789012:role/shop-cloudwatch-agent
    configuration:
      containerLogs:
        enabled: false
    resolve_conflicts: overwrite
    tags:
      team: shop

- name: The same by EKS Pod Identity, going on while its nodes still start
  deepobs.eks.eks_addon:
    cluster_name: shop
    name: amazon-cloudwatch-observability
    pod_identity_associations:
      - service_account: cloudwatch-agent
        role_arn: arn:aws:iam::123456789012:role/shop-cloudwatch-agent
    degraded: warn

- name: Take it away again
  deepobs.eks.eks_addon:
    cluster_name: shop
    name: amazon-cloudwatch-observability
    state: absent
"""

RETURN = r"""
addon:
  description: The add-on after the task, or as it would be in check mode. Empty when O(state=absent) and it is gone.
  returned: always
  type: dict
  contains:
    cluster_name:
      description: Name of the cluster.
      returned: when the add-on is there
      type: str
      sample: shop
    addon_name:
      description: Name of the add-on.
      returned: when the add-on is there
      type: str
      sample: amazon-cloudwatch-observability
    addon_version:
      description: Its version.
      returned: when the add-on is there
      type: str
      sample: v4.10.4-eksbuild.1
    addon_arn:
      description: Its ARN. Null in check mode while it is still to be created.
      returned: when the add-on is there
      type: str
      sample: arn:aws:eks:eu-west-1:123456789012:addon/shop/amazon-cloudwatch-observability/0ac4b7d2
    status:
      description: Its status. In check mode V(ACTIVE), what a change would end in.
      returned: when the add-on is there
      type: str
      sample: ACTIVE
    health:
      description: What EKS finds wrong with it.
      returned: when the add-on is there
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
    configuration:
      description: Its configuration. Empty where it has none of its own.
      returned: when the add-on is there
      type: dict
      sample: {"containerLogs": {"enabled": false}}
    service_account_role_arn:
      description: ARN of the role of its service account. Null without one.
      returned: when the add-on is there
      type: str
      sample: arn:aws:iam::123456789012:role/shop-cloudwatch-agent
    pod_identity_associations:
      description: The roles of its service accounts by EKS Pod Identity.
      returned: when the add-on is there
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
    tags:
      description: Its tags.
      returned: when the add-on is there
      type: dict
      sample: {"team": "shop"}
    publisher:
      description: Who publishes it.
      returned: when the add-on is there
      type: str
      sample: eks
    owner:
      description: Who owns it.
      returned: when the add-on is there
      type: str
      sample: aws
    created_at:
      description: When it was created. Null in check mode while it is still to be created.
      returned: when the add-on is there
      type: str
      sample: "2026-02-01T10:00:00+00:00"
    modified_at:
      description: When it was last changed. Null in check mode while it is still to be created.
      returned: when the add-on is there
      type: str
      sample: "2026-02-01T10:00:00+00:00"
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.addon_changes import AddonOperator, Patience, apply
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import (
    AddonPlan,
    Desired,
    choose_version,
    plan_addon,
)
from ansible_collections.deepobs.eks.plugins.module_utils.addon_schemas import (
    check_configuration,
    check_service_accounts,
)
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon, Release, read_interface, read_releases
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster_name": {"type": "str", "required": True},
    "name": {"type": "str", "required": True, "aliases": ["addon_name"]},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "version": {"type": "str"},
    "configuration": {"type": "dict"},
    "service_account_role_arn": {"type": "str"},
    "pod_identity_associations": {
        "type": "list",
        "elements": "dict",
        "options": {
            "service_account": {"type": "str", "required": True},
            "role_arn": {"type": "str", "required": True},
        },
    },
    "resolve_conflicts": {"type": "str", "choices": ["none", "overwrite", "preserve"], "default": "none"},
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
    "preserve": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 1200},
    "degraded": {"type": "str", "choices": ["fail", "warn", "accept"], "default": "fail"},
    "degraded_grace_seconds": {"type": "int", "default": 120},
}

_EITHER = [("service_account_role_arn", "pod_identity_associations")]


def make_plan(eks: Any, desired: Desired, current: Addon | None) -> AddonPlan:
    """What to do with the add-on as it is; raises DeepobsError where EKS would refuse it or it could never work.

    An add-on that is as a pinned version asks is recognised without asking EKS anything more.
    """
    kept = _version_of(current)
    plan = plan_addon(current, desired, kept)
    if not desired.present or (desired.version in (None, kept) and not plan.writes_configuration):
        return plan
    releases = _releases(eks, desired)
    version = choose_version(desired.version, kept, releases)
    plan = plan_addon(current, desired, version, releases)
    if plan.writes_configuration:
        _check(eks, desired, version)
    return plan


def _version_of(addon: Addon | None) -> str:
    return str(addon["addon_version"]) if addon else ""


def _releases(eks: Any, desired: Desired) -> list[Release]:
    cluster = describe_cluster(eks, desired.cluster_name)
    return read_releases(eks, desired.name, cluster["version"])


def _check(eks: Any, desired: Desired, version: str) -> None:
    if not desired.configuration and not desired.pod_identity_associations:
        return
    interface, what = read_interface(eks, desired.name, version), f"{desired.name} {version}"
    if desired.configuration:
        check_configuration(desired.configuration, interface, what)
    check_service_accounts(desired.pod_identity_associations or [], interface, what)


def desired_of(options: dict[str, Any]) -> Desired:
    """The module's options as what is asked for."""
    tags = options["tags"]
    return Desired(
        cluster_name=options["cluster_name"],
        name=options["name"],
        present=options["state"] == "present",
        version=options["version"],
        configuration=options["configuration"],
        service_account_role_arn=options["service_account_role_arn"],
        pod_identity_associations=options["pod_identity_associations"],
        tags=None if tags is None else {key: str(value) for key, value in tags.items()},
        purge_tags=options["purge_tags"],
        resolve_conflicts=options["resolve_conflicts"],
        preserve=options["preserve"],
    )


def patience_of(options: dict[str, Any]) -> Patience:
    """The module's options as how to wait."""
    return Patience(options["wait"], options["wait_timeout"], options["degraded"], options["degraded_grace_seconds"])


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, mutually_exclusive=_EITHER)
    desired, patience = desired_of(module.params), patience_of(module.params)
    warnings: list[str] = []
    try:
        eks = connect(module, "eks")
        operator = AddonOperator(eks, desired, patience, Stopwatch())
        plan = make_plan(eks, desired, operator.read())
        if not module.check_mode:
            plan, warnings = apply(operator, plan, patience, lambda current: make_plan(eks, desired, current))
    except DeepobsError as error:
        module.fail_json_aws_error(error)
    for warning in warnings:
        module.warn(warning)
    diff = {"before": plan.before or {}, "after": plan.after or {}}
    module.exit_json(changed=plan.changed, addon=plan.after or {}, diff=diff)


if __name__ == "__main__":
    main()
