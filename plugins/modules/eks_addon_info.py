#!/usr/bin/python
# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: eks_addon_info
version_added: 0.1.0
short_description: Tell how the add-ons of an Amazon EKS cluster are
description:
  - Tells of all or some add-ons of a cluster how they are and how they are configured, what mends what EKS finds wrong
    with them, whether a newer version waits, and, when asked, what became of their updates and how they can be
    configured.
  - Changes nothing.
author:
  - The deepobs.eks maintainers (@deepobs)
requirements:
  - PyYAML, when an add-on's configuration is stored as YAML
options:
  cluster_name:
    description: Name of the EKS cluster.
    type: str
    required: true
  names:
    description: Names of the add-ons. Without them it is all that the cluster has. Those it does not have are left out.
    type: list
    elements: str
    default: []
  versions:
    description: Whether to tell the versions there are for the cluster's Kubernetes version.
    type: bool
    default: true
  updates:
    description:
      - How many of each add-on's last updates to tell, with their errors.
      - EKS lists updates in no certain order, so that each update of an add-on costs a call, whatever the number here.
    type: int
    default: 0
  schemas:
    description:
      - Whether to tell how the installed versions can be configured, with the published defaults, and the service
        accounts that EKS Pod Identity can serve.
    type: bool
    default: false
notes:
  - "IAM permissions: C(eks:ListAddons), C(eks:DescribeAddon), C(eks:DescribePodIdentityAssociation),
    C(eks:DescribeCluster), C(eks:DescribeAddonVersions), C(eks:ListUpdates), C(eks:DescribeUpdate),
    C(eks:DescribeAddonConfiguration)."
  - C(eks:ListAddons) is for a task without O(names), C(eks:DescribePodIdentityAssociation) for add-ons that have
    associations. O(versions) needs C(eks:DescribeCluster) and C(eks:DescribeAddonVersions), O(updates)
    C(eks:ListUpdates) and C(eks:DescribeUpdate), O(schemas) C(eks:DescribeAddonConfiguration).
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
seealso:
  - module: deepobs.eks.eks_addon
"""

EXAMPLES = r"""
- name: Look whether all add-ons are well and newest
  deepobs.eks.eks_addon_info:
    cluster_name: shop
  register: found

- name: Tell those that are not
  ansible.builtin.debug:
    msg: "{{ item.addon_name }} is {{ item.status }}, {{ item.available_version or 'nothing newer' }} waits"
  loop: "{{ found.addons }}"
  loop_control:
    label: "{{ item.addon_name }}"
  when: item.status != 'ACTIVE' or item.available_version

- name: Learn how Container Insights can be configured, and why its last update failed
  deepobs.eks.eks_addon_info:
    cluster_name: shop
    names: [amazon-cloudwatch-observability]
    schemas: true
    updates: 1
"""

RETURN = r"""
addons:
  description: The add-ons, by their names' order.
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
      description: Its ARN.
      returned: always
      type: str
      sample: arn:aws:eks:eu-west-1:123456789012:addon/shop/amazon-cloudwatch-observability/0ac4b7d2
    status:
      description: Its status.
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
      description: When it was created.
      returned: always
      type: str
      sample: "2026-02-01T10:00:00+00:00"
    modified_at:
      description: When it was last changed.
      returned: always
      type: str
      sample: "2026-02-01T10:00:00+00:00"
    default_version:
      description: What AWS marks as default for the cluster's Kubernetes version. Null where none is offered.
      returned: when O(versions=true)
      type: str
      sample: v6.2.0-eksbuild.1
    latest_version:
      description: The newest version for the cluster's Kubernetes version. Null where none is offered.
      returned: when O(versions=true)
      type: str
      sample: v6.2.0-eksbuild.1
    available_version:
      description: The newest version, where it is newer than the installed one. Null where no upgrade waits.
      returned: when O(versions=true)
      type: str
      sample: v6.2.0-eksbuild.1
    updates:
      description: The last updates, the newest first.
      returned: when O(updates) is over 0
      type: list
      elements: dict
      contains:
        id:
          description: EKS' id of the update.
          returned: always
          type: str
          sample: 5f94c2a0-6b1f-4b8e-9a52-0a4f3ed9b2a1
        status:
          description: V(InProgress), V(Successful), V(Failed) or V(Cancelled).
          returned: always
          type: str
          sample: Failed
        created_at:
          description: When it was begun.
          returned: always
          type: str
          sample: "2026-02-01T10:00:00+00:00"
        params:
          description: What was asked for.
          returned: always
          type: dict
          sample: {"AddonVersion": "v6.2.0-eksbuild.1"}
        errors:
          description: What went wrong.
          returned: always
          type: list
          elements: dict
          contains:
            code:
              description: EKS' code of the error.
              returned: always
              type: str
              sample: ConfigurationConflict
            message:
              description: What EKS says about it.
              returned: always
              type: str
              sample: Conflicts found when trying to apply.
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
              sample: set resolve_conflicts to overwrite
    configuration_schema:
      description: The JSON schema of the installed version's configuration. Empty where none is published any more.
      returned: when O(schemas=true)
      type: dict
      sample: {"type": "object"}
    configuration_defaults:
      description: The default of each option by its path, or V(unknown) where the schema does not tell.
      returned: when O(schemas=true)
      type: dict
      sample: {"containerLogs.enabled": true, "agent.replicas": "unknown"}
    service_accounts:
      description: The service accounts that EKS Pod Identity can serve.
      returned: when O(schemas=true)
      type: list
      elements: str
      sample: [cloudwatch-agent]
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import (
    Catalogue,
    Release,
    default_release,
    precedence,
)
from ansible_collections.deepobs.eks.plugins.module_utils.addon_defaults import published_defaults
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon, list_addons, read_addon, read_updates
from ansible_collections.deepobs.eks.plugins.module_utils.aws import connect, run_module

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster_name": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "default": []},
    "versions": {"type": "bool", "default": True},
    "updates": {"type": "int", "default": 0},
    "schemas": {"type": "bool", "default": False},
}


def read_addons(eks: Any, options: dict[str, Any]) -> list[Addon]:
    """The add-ons with all that is asked for; raises DeepobsError where there is no such cluster."""
    cluster_name = options["cluster_name"]
    catalogue = Catalogue(eks, cluster_name)
    names = sorted(set(options["names"])) or list_addons(eks, cluster_name)
    addons = [addon for name in names if (addon := read_addon(eks, cluster_name, name))]
    if names and not addons:
        catalogue.cluster  # noqa: B018 - asked for what it raises
    return [{**addon, **_asked_for(eks, catalogue, addon, options)} for addon in addons]


def _asked_for(eks: Any, catalogue: Catalogue, addon: Addon, options: dict[str, Any]) -> dict[str, Any]:
    name, version = addon["addon_name"], addon["addon_version"]
    told: dict[str, Any] = {}
    if options["versions"]:
        told |= compare_versions(version, catalogue.find_releases(name))
    if options["updates"] > 0:
        told["updates"] = read_updates(eks, options["cluster_name"], name, options["updates"])
    if options["schemas"]:
        interface = catalogue.past_interface(name, version)
        told["configuration_schema"] = interface.schema
        told["configuration_defaults"] = published_defaults(interface.schema)
        told["service_accounts"] = list(interface.service_accounts)
    return told


def compare_versions(installed: str, releases: list[Release]) -> dict[str, str | None]:
    """The installed version beside those on offer, which are the newest first."""
    if not releases:
        return {"default_version": None, "latest_version": None, "available_version": None}
    latest = releases[0]
    return {
        "default_version": default_release(releases).version,
        "latest_version": latest.version,
        "available_version": latest.version if latest.precedence > precedence(installed) else None,
    }


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: {"changed": False, "addons": read_addons(connect(module, "eks"), module.params)})


if __name__ == "__main__":
    main()
