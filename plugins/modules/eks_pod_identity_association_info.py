#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: eks_pod_identity_association_info
version_added: 0.1.0
short_description: List which IAM roles EKS Pod Identity gives to Kubernetes service accounts
description:
  - Lists the Pod Identity associations of an EKS cluster, with all that EKS tells of them, and with the add-on that
    each belongs to.
notes:
  - "IAM permissions: C(eks:ListPodIdentityAssociations), C(eks:DescribePodIdentityAssociation)."
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  cluster_name:
    description: Name of the EKS cluster.
    type: str
    required: true
  namespace:
    description: Lists only associations of service accounts in this namespace.
    type: str
  service_account:
    description: Lists only associations of service accounts of this name.
    type: str
  addon:
    description: Lists only associations that belong to the add-on of this name. An empty text stands for none.
    type: str
attributes:
  check_mode:
    description: Can run in check mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Changes nothing, so that there is no difference to return.
    support: none
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: deepobs.eks.eks_pod_identity_association
"""

EXAMPLES = r"""
- name: List every association of a cluster
  deepobs.eks.eks_pod_identity_association_info:
    cluster_name: shop
  register: found

- name: List those of a namespace that belong to no add-on
  deepobs.eks.eks_pod_identity_association_info:
    cluster_name: shop
    namespace: kube-system
    addon: ""
"""

RETURN = r"""
associations:
  description: The associations, by namespace and service account.
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
      description: ID of the association.
      returned: always
      type: str
      sample: a-abcdefghijklmnop1
    association_arn:
      description: ARN of the association.
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
      description: When it was created.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00+00:00"
    modified_at:
      description: When it was last modified.
      returned: always
      type: str
      sample: "2026-01-31T12:00:00+00:00"
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import connect, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity import addon_of, place_of
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity_readings import read_associations

ARGUMENT_SPEC: dict[str, Any] = {
    "cluster_name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "service_account": {"type": "str"},
    "addon": {"type": "str"},
}


def run(module: Any) -> dict[str, Any]:
    """What the module returns; raises DeepobsError."""
    options = module.params
    filters = {"namespace": options["namespace"], "serviceAccount": options["service_account"]}

    def is_wanted(summary: Mapping[str, Any]) -> bool:
        return options["addon"] is None or options["addon"] == (addon_of(summary["owner_arn"]) or "")

    given = {name: value for name, value in filters.items() if value}
    found = read_associations(connect(module, "eks"), options["cluster_name"], is_wanted, **given)
    return {"changed": False, "associations": sorted(found, key=place_of)}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
