#!/usr/bin/python
# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: xray_sampling_rule
version_added: 0.1.0
short_description: Manage AWS X-Ray sampling rules
description:
  - Creates, updates and deletes the centralised sampling rules, by which the X-Ray SDKs decide what is traced.
  - Takes a list, so that all rules of a system are one task. Rules which are not named are left alone.
  - A rule is compared by value, field by field.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  rules:
    description:
      - The rules, each with a name of its own.
      - With O(state=absent) only O(rules[].name) counts.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the rule, at most 32 characters.
          - V(Default) is X-Ray's built-in rule. It cannot be deleted, and only its O(rules[].fixed_rate) and
            O(rules[].reservoir_size) can be changed.
        type: str
        required: true
      priority:
        description:
          - Rules are tried in ascending order of priority, from 1 to 9999.
          - Required when O(state=present), but for the rule V(Default).
        type: int
      fixed_rate:
        description:
          - Share of the matching requests to trace once the reservoir is used up, from 0 to 1.
          - Required when O(state=present).
        type: float
      reservoir_size:
        description: Matching requests to trace each second, over all hosts, before O(rules[].fixed_rate) applies.
        type: int
        default: 1
      service_name:
        description:
          - Name of the service, as in its segments.
          - Here and below C(*) stands for any text and C(?) for any one character.
        type: str
        default: "*"
      service_type:
        description: Origin of the service, as in its segments, such as V(AWS::EKS::Container).
        type: str
        default: "*"
      host:
        description: Host name of the request.
        type: str
        default: "*"
      http_method:
        description: Method of the request.
        type: str
        default: "*"
      url_path:
        description: Path of the request.
        type: str
        default: "*"
      resource_arn:
        description: ARN of the AWS resource that the service runs on.
        type: str
        default: "*"
      attributes:
        description: Names and values of segment attributes which are known when the decision is made.
        type: dict
        default: {}
  state:
    description: Whether the named rules should be there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    description: Returns what the rules would be and changes nothing.
    support: full
  diff_mode:
    description: Returns the named rules before and after.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Trace every order, and five percent of the rest
  deepobs.eks.xray_sampling_rule:
    rules:
      - name: shop-orders
        priority: 100
        fixed_rate: 1.0
        http_method: POST
        url_path: /api/orders
      - name: shop
        priority: 1000
        reservoir_size: 5
        fixed_rate: 0.05
        service_name: ecommerce-*

- name: Go back to X-Ray's built-in rule
  deepobs.eks.xray_sampling_rule:
    rules:
      - name: shop-orders
      - name: shop
    state: absent
"""

RETURN = r"""
rules:
  description: The named rules as they are after the task, or would be in check mode. Empty when O(state=absent).
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the rule.
      returned: always
      type: str
      sample: shop
    priority:
      description: Its place in the order, 1 first.
      returned: always
      type: int
      sample: 1000
    fixed_rate:
      description: Share of requests traced beyond the reservoir, from 0 to 1.
      returned: always
      type: float
      sample: 0.05
    reservoir_size:
      description: Requests traced each second before O(rules[].fixed_rate) applies.
      returned: always
      type: int
      sample: 5
    service_name:
      description: Pattern of the service's name.
      returned: always
      type: str
      sample: ecommerce-*
    service_type:
      description: Pattern of the service's origin.
      returned: always
      type: str
      sample: "*"
    host:
      description: Pattern of the host name.
      returned: always
      type: str
      sample: "*"
    http_method:
      description: Pattern of the method.
      returned: always
      type: str
      sample: "*"
    url_path:
      description: Pattern of the path.
      returned: always
      type: str
      sample: "*"
    resource_arn:
      description: Pattern of the resource's ARN.
      returned: always
      type: str
      sample: "*"
    attributes:
      description: Patterns of the segment's attributes.
      returned: always
      type: dict
      sample: {}
"""

from collections.abc import Iterator
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, call, connect
from ansible_collections.deepobs.eks.plugins.module_utils.sampling_rules import (
    Rule,
    RulesPlan,
    check_rules,
    from_aws,
    plan_rules,
    to_aws,
)

_ANY = {"type": "str", "default": "*"}
ARGUMENT_SPEC: dict[str, Any] = {
    "rules": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "priority": {"type": "int"},
            "fixed_rate": {"type": "float"},
            "reservoir_size": {"type": "int", "default": 1},
            "service_name": _ANY,
            "service_type": _ANY,
            "host": _ANY,
            "http_method": _ANY,
            "url_path": _ANY,
            "resource_arn": _ANY,
            "attributes": {"type": "dict", "default": {}},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def read_rules(client: Any) -> Iterator[Rule]:
    """Every rule of the account, page by page."""
    token: dict[str, str] = {}
    while True:
        page = call(client.get_sampling_rules, "read the sampling rules", **token)
        yield from map(from_aws, page["SamplingRuleRecords"])
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def apply(client: Any, plan: RulesPlan) -> None:
    """Makes the account's rules what the plan says."""
    for rule in plan.create:
        purpose = f"create sampling rule {rule['name']}"
        call(client.create_sampling_rule, purpose, SamplingRule={**to_aws(rule), "Version": 1})
    for rule in plan.update:
        call(client.update_sampling_rule, f"update sampling rule {rule['name']}", SamplingRuleUpdate=to_aws(rule))
    for name in plan.delete:
        call(client.delete_sampling_rule, f"delete sampling rule {name}", RuleName=name)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    rules, state = module.params["rules"], module.params["state"]
    try:
        check_rules(rules, state)
        client = connect(module, "xray")
        plan = plan_rules(list(read_rules(client)), rules, state)
        if not module.check_mode:
            apply(client, plan)
    except DeepobsError as error:
        module.fail_json_aws_error(error)
    module.exit_json(
        changed=plan.changed, rules=plan.after, diff={"before": {"rules": plan.before}, "after": {"rules": plan.after}}
    )


if __name__ == "__main__":
    main()
