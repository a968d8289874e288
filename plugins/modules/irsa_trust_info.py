#!/usr/bin/python
# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: irsa_trust_info
version_added: 0.1.0
short_description: Explain why a service account may or may not assume an IAM role
description:
  - Explains an C(AccessDenied) or C(InvalidIdentityToken) of C(sts:AssumeRoleWithWebIdentity). It looks at everything
    that must hold - role, OIDC provider, audience, trust policy and, if given, the token - and says what does not.
  - Names the statement of the trust policy that comes nearest, each of its lines with what it wants and what it gets,
    and the Deny statements that are about this service account.
  - Gives the task that mends it, ready to paste.
  - Lists everyone whom the role trusts through this cluster.
notes:
  - "IAM permissions: C(eks:DescribeCluster), C(iam:GetRole), C(iam:GetOpenIDConnectProvider)."
  - A condition on what only the request can tell, such as C(aws:SourceIp), is neither held to be true nor false. Its
    RV(checks[].holds) is null, and it does not make RV(allowed) false.
  - Policies of the organisation and permissions of the role itself are not looked at. They do not decide whether a role
    can be assumed by a web identity, but a resource control policy can.
  - The signature of a token can only be judged by AWS, which has the issuer's keys.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  role:
    description: Name or ARN of the role, best as the annotation C(eks.amazonaws.com/role-arn) has it.
    type: str
    required: true
  cluster_name:
    description: Name of the EKS cluster that the pod runs in.
    type: str
    required: true
  subject:
    description: The pod's service account, as C(namespace:service_account).
    type: str
    required: true
  audience:
    description: The audience that tokens are issued for, V(sts.amazonaws.com) in every partition.
    type: str
    default: sts.amazonaws.com
  token:
    description:
      - The token, the content of the file that C(AWS_WEB_IDENTITY_TOKEN_FILE) names in the pod.
      - Its claims are looked at too. The token itself is neither printed nor returned.
    type: str
  claims:
    description: The token's claims C(iss), C(sub), C(aud), C(exp) and C(nbf), in place of the token.
    type: dict
attributes:
  check_mode:
    description: Changes nothing.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
seealso:
  - module: deepobs.eks.irsa_role
  - module: deepobs.eks.irsa_trust
"""

EXAMPLES = r"""
- name: Ask why the daemon gets AccessDenied
  deepobs.eks.irsa_trust_info:
    role: arn:aws:iam::123456789012:role/shop-xray-daemon
    cluster_name: shop
    subject: xray-daemon:xray-daemon
  register: trust

- name: Show what fails, and the task that mends it
  ansible.builtin.debug:
    msg: "{{ trust.checks | rejectattr('holds') | map(attribute='message') | list + [trust.remedy_task] }}"
"""

RETURN = r"""
allowed:
  description: Whether nothing that can be seen from here stands in the way.
  returned: always
  type: bool
  sample: false
checks:
  description: Everything that was looked at, in the order in which AWS does.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description:
        - V(account), V(role_exists) and V(role_arn) are about the role. V(account) and V(role_arn) only come where its
          ARN was given.
        - V(provider_registered) and V(provider_audience) are about the cluster's OIDC provider.
        - V(token_issuer), V(token_subject), V(token_audience) and V(token_in_time) are about the token.
        - V(allowed) and V(not_denied) are about the trust policy.
      returned: always
      type: str
      sample: allowed
    holds:
      description: Whether it holds; null where only the request itself can tell.
      returned: always
      type: bool
      sample: false
    message:
      description: What was seen.
      returned: always
      type: str
      sample: >-
        no statement allows it; statement 1 comes nearest: StringEquals
        oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF:sub wants system:serviceaccount:a:a, not
        system:serviceaccount:xray-daemon:xray-daemon
nearest_statement:
  description: The Allow statement that lacks least. Empty where there is none.
  returned: always
  type: dict
  contains:
    number:
      description: Its place in the trust policy, from 1.
      returned: where there is one
      type: int
      sample: 1
    statement:
      description: The statement.
      returned: where there is one
      type: dict
    lines:
      description: Its principal, its action and each line of its condition.
      returned: where there is one
      type: list
      elements: dict
      contains:
        element:
          description: V(Principal), V(Action), or a condition's operator and key.
          returned: always
          type: str
          sample: Principal
        expected:
          description: The values, any of which will do (or, in a negated line, none).
          returned: always
          type: list
          elements: str
          sample: ["sts:AssumeRoleWithWebIdentity"]
        actual:
          description: What the service account comes with. Empty where it has no such thing.
          returned: always
          type: str
          sample: sts:AssumeRoleWithWebIdentity
        holds:
          description: Whether the line holds; null where only the request itself can tell.
          returned: always
          type: bool
          sample: true
denied_by:
  description: The Deny statements that are, or may be, about this service account.
  returned: always
  type: list
  elements: dict
  contains:
    number:
      description: Its place in the trust policy, from 1.
      returned: always
      type: int
      sample: 2
    statement:
      description: The statement.
      returned: always
      type: dict
    holds:
      description: Whether it denies; null where only the request itself can tell.
      returned: always
      type: bool
      sample: true
trusted:
  description: Everyone whom the role trusts through this cluster's OIDC provider.
  returned: always
  type: list
  elements: dict
  contains:
    subject:
      description: C(namespace:service_account), a pattern, or V(*) where a statement names nobody.
      returned: always
      type: str
      sample: xray-daemon:xray-daemon
    operator:
      description: How the token's subject is compared with it. Empty where a statement names nobody.
      returned: always
      type: str
      sample: StringEquals
    statement:
      description: The statement's place in the trust policy, from 1.
      returned: always
      type: int
      sample: 1
    managed:
      description: Whether it is a statement that M(deepobs.eks.irsa_trust) adds to and takes from.
      returned: always
      type: bool
      sample: true
    other_conditions:
      description: What else the statement asks for.
      returned: always
      type: list
      elements: str
      sample: ["StringEquals oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF:aud sts.amazonaws.com"]
remedy:
  description: What to do where no task may decide. Empty where there is nothing of the kind.
  returned: always
  type: str
  sample: ""
remedy_task:
  description: The tasks that mend it as YAML, to paste. Empty where none does.
  returned: always
  type: str
  sample: |
    - name: Let xray-daemon:xray-daemon assume role shop-xray-daemon
      deepobs.eks.irsa_trust:
        role_name: shop-xray-daemon
        cluster_name: shop
        subjects:
        - xray-daemon:xray-daemon
remedy_tasks:
  description: The same as data.
  returned: always
  type: list
  elements: dict
oidc_provider_arn:
  description: ARN that the cluster's OIDC provider has, or would have.
  returned: always
  type: str
  sample: arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF
"""

import json
import re
import time
from typing import Any

from ansible.module_utils.common.yaml import HAS_YAML, yaml_dump
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.deepobs.eks.plugins.module_utils.arns import resource_name
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, connect, run_module
from ansible_collections.deepobs.eks.plugins.module_utils.clusters import describe_cluster
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_iam import read_audiences, read_role, trust_of
from ansible_collections.deepobs.eks.plugins.module_utils.trust_explanations import (
    Case,
    checks,
    denials,
    nearest_allow,
    trusted_by,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import has_wildcard, is_subject
from ansible_collections.deepobs.eks.plugins.module_utils.trust_remedies import Task, remedy_tasks, remedy_words
from ansible_collections.deepobs.eks.plugins.module_utils.trust_tokens import claims_of

# CreateRole of the IAM API reference: RoleName, Path.
_ROLE = re.compile(r"(arn:aws[a-z-]*:iam::\d{12}:role/([\x21-\x7e]+/)?)?[\w+=,.@-]{1,64}")

ARGUMENT_SPEC: dict[str, Any] = {
    "role": {"type": "str", "required": True},
    "cluster_name": {"type": "str", "required": True},
    "subject": {"type": "str", "required": True},
    "audience": {"type": "str", "default": "sts.amazonaws.com"},
    "token": {"type": "str", "no_log": True},
    "claims": {"type": "dict"},
}


def result(case: Case) -> dict[str, Any]:
    """What the module returns."""
    found = checks(case)
    tasks = remedy_tasks(case, found)
    nearest = nearest_allow(case.policy, case.attempt)
    return {
        "changed": False,
        "allowed": all(check["holds"] is not False for check in found),
        "checks": found,
        "nearest_statement": nearest.described() if nearest else {},
        "denied_by": [
            {"number": number, "statement": statement, "holds": about}
            for number, statement, about in denials(case.policy, case.attempt)
        ],
        "trusted": trusted_by(case.policy, case.trust),
        "remedy": remedy_words(found),
        "remedy_task": as_yaml(tasks) if tasks else "",
        "remedy_tasks": tasks,
        "oidc_provider_arn": case.trust.provider_arn,
    }


def as_yaml(tasks: list[Task]) -> str:
    """The tasks as a file of tasks has them; as JSON, which is YAML as well, where there is no PyYAML."""
    return str(yaml_dump(tasks, sort_keys=False, width=120)) if HAS_YAML else json.dumps(tasks, indent=2)


def work(module: AnsibleAWSModule) -> dict[str, Any]:
    """What the module returns; raises DeepobsError."""
    options = module.params
    if not is_subject(options["subject"]) or has_wildcard(options["subject"]):
        raise DeepobsError(f"subject: {options['subject']!r} is not namespace:service_account.")
    if not _ROLE.fullmatch(options["role"]):
        raise DeepobsError(f"role: {options['role']!r} is neither the name nor the ARN of a role.")
    claims = claims_of(options["token"]) if options["token"] else options["claims"] or {}
    trust = trust_of(describe_cluster(connect(module, "eks"), options["cluster_name"]), options["audience"])
    iam = connect(module, "iam")
    case = Case(
        role=options["role"],
        cluster_name=options["cluster_name"],
        subject=options["subject"],
        trust=trust,
        found=read_role(iam, resource_name(options["role"])),
        audiences=read_audiences(iam, trust.provider_arn),
        claims=claims,
        now_seconds=time.time(),
    )
    return result(case)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleAWSModule(
        argument_spec=ARGUMENT_SPEC, mutually_exclusive=[("token", "claims")], supports_check_mode=True
    )
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
