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
  - Takes a list, so that all rules of a system are one task.
  - A rule is compared by value, field by field. What somebody else changes meanwhile is read again, and planned anew.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  rules:
    description:
      - The rules, each with a name of its own.
      - With O(state=absent) only O(rules[].name) counts.
      - An empty list with O(state=exact) deletes every rule of the region but V(Default).
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
          - Required unless O(state=absent), but not for the rule V(Default).
        type: int
      fixed_rate:
        description:
          - Share of the matching requests to trace once the reservoir is used up, from 0 to 1.
          - Required unless O(state=absent).
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
        description:
          - Names and values of segment attributes which are known when the decision is made, at most five.
        type: dict
        default: {}
      sampling_rate_boost:
        description:
          - How far X-Ray may raise the rate for a while when it sees anomalies.
          - A rule's boost stays as it is when this is left out. X-Ray has no call that takes it away; to be rid of it,
            delete the rule and create it again.
        type: dict
        suboptions:
          max_rate:
            description: The highest share of requests to trace meanwhile, from 0 to 1.
            type: float
            required: true
          cooldown_window_minutes:
            description: In so many minutes there is at most one boost.
            type: int
            required: true
  state:
    description:
      - V(present) creates and updates the named rules, and V(absent) deletes them. Both leave other rules alone.
      - V(exact) also deletes every rule of the region that is not named, but never V(Default).
    type: str
    choices: [present, absent, exact]
    default: present
attributes:
  check_mode:
    description: Returns what the rules would be and changes nothing.
    support: full
  diff_mode:
    description: Returns the rules concerned before and after.
    support: full
notes:
  - >-
    IAM permissions: C(xray:GetSamplingRules), C(xray:CreateSamplingRule), C(xray:UpdateSamplingRule),
    C(xray:DeleteSamplingRule).
  - Check mode needs C(xray:GetSamplingRules) only.
  - X-Ray keeps 25 rules of one's own in a region. Rules are deleted before others are created, so that a list which
    fits is never refused.
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

- name: Have these rules and no others in the region
  deepobs.eks.xray_sampling_rule:
    state: exact
    rules:
      - name: shop
        priority: 1000
        fixed_rate: 0.05
        sampling_rate_boost:
          max_rate: 0.5
          cooldown_window_minutes: 10
      - name: Default
        fixed_rate: 0.01

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
    sampling_rate_boost:
      description: How far X-Ray may raise the rate for a while; null where it may not.
      returned: always
      type: dict
      contains:
        max_rate:
          description: The highest share of requests to trace meanwhile.
          returned: always
          type: float
          sample: 0.5
        cooldown_window_minutes:
          description: In so many minutes there is at most one boost.
          returned: always
          type: int
          sample: 10
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import (
    call,
    connect,
    error_code,
    run_module,
)
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages
from ansible_collections.deepobs.eks.plugins.module_utils.planning_anew import apply_or_plan_anew
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
            "sampling_rate_boost": {
                "type": "dict",
                "options": {
                    "max_rate": {"type": "float", "required": True},
                    "cooldown_window_minutes": {"type": "int", "required": True},
                },
            },
        },
    },
    "state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"},
}
# X-Ray has one code for a name that is taken, a rule that is gone and a value that is wrong (API_CreateSamplingRule).
_REFUSED = "InvalidRequestException"


def read_rules(client: Any) -> list[Rule]:
    """Every rule of the region."""
    found = pages(client.get_sampling_rules, "read the sampling rules")
    return [from_aws(record) for page in found for record in page["SamplingRuleRecords"]]


def apply(client: Any, plan: RulesPlan) -> None:
    """Makes the region's rules what the plan says; deletes before it creates, for there is a limit."""
    for name in plan.delete:
        call(client.delete_sampling_rule, f"delete sampling rule {name}", RuleName=name)
    for rule in plan.update:
        call(client.update_sampling_rule, f"update sampling rule {rule['name']}", SamplingRuleUpdate=to_aws(rule))
    for rule in plan.create:
        purpose = f"create sampling rule {rule['name']}"
        call(client.create_sampling_rule, purpose, SamplingRule={**to_aws(rule), "Version": 1})


def converge(client: Any, plan: RulesPlan, rules: list[Rule], state: str) -> None:
    """Applies a plan; where X-Ray refuses since the rules are others by now, plans anew. Raises DeepobsError."""
    apply_or_plan_anew(
        plan,
        lambda planned: apply(client, planned),
        lambda: plan_rules(read_rules(client), rules, state),
        lambda error: error_code(error) == _REFUSED,
    )


def run(module: Any) -> dict[str, Any]:
    """What the module returns; raises DeepobsError."""
    rules, state = module.params["rules"], module.params["state"]
    check_rules(rules, state)
    client = connect(module, "xray")
    plan = plan_rules(read_rules(client), rules, state)
    if not module.check_mode:
        converge(client, plan, rules, state)
    return {
        "changed": plan.changed,
        "rules": plan.after,
        "diff": {"before": {"rules": plan.before}, "after": {"rules": plan.after}},
    }


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
