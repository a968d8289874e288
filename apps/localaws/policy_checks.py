"""Holds the policies in calls of IAM against IAM's rules, before moto takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from localaws.iam import Iam
from localaws.policy_document import check_identity_policy, check_managed_policy, counted_characters
from localaws.service import ServiceError
from localaws.trust_document import check_trust_policy

# IAM and AWS STS quotas: all inline policies of one role or user together.
_INLINE_CHARACTERS: Mapping[Literal["role", "user"], int] = {"role": 10240, "user": 2048}


class PolicyChecks:
    """Knows which parameter of which operation is a policy of which kind."""

    def __init__(self, iam: Iam) -> None:
        self._iam = iam

    def check(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Raises ServiceError MalformedPolicyDocument or LimitExceeded for a policy that IAM refuses."""
        match operation:
            case "CreateRole":
                check_trust_policy(parameters["AssumeRolePolicyDocument"], self._iam.knows_principal)
            case "UpdateAssumeRolePolicy":
                check_trust_policy(parameters["PolicyDocument"], self._iam.knows_principal)
            case "CreatePolicy" | "CreatePolicyVersion":
                check_managed_policy(parameters["PolicyDocument"])
            case "PutRolePolicy":
                self._check_inline("role", parameters["RoleName"], parameters)
            case "PutUserPolicy":
                self._check_inline("user", parameters["UserName"], parameters)

    def _check_inline(self, kind: Literal["role", "user"], name: str, parameters: Mapping[str, Any]) -> None:
        text, most = parameters["PolicyDocument"], _INLINE_CHARACTERS[kind]
        inline = {**self._iam.inline_policies_of(kind, name), parameters["PolicyName"]: text}
        if sum(map(counted_characters, inline.values())) > most:
            raise ServiceError("LimitExceeded", f"Maximum policy size of {most} bytes exceeded for {kind} {name}", 409)
        check_identity_policy(text)
