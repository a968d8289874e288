# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an IAM role for service accounts is and should be. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.deepobs.eks.plugins.module_utils.arns import Account, account_of
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import Request
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import (
    Document,
    Trust,
    trusted_subjects,
    trusts_nobody,
)

# CreateRole of the IAM API reference.
_DEFAULT_SESSION_SECONDS = 3600
_AWS_MANAGED = re.compile(r"arn:aws[a-z-]*:iam::aws:policy/")


@dataclass(frozen=True)
class Role:
    """A role as far as it is managed here. `inline_policies` holds those that were read, by their names."""

    name: str
    arn: str
    path: str = "/"
    description: str = ""
    max_session_duration: int = _DEFAULT_SESSION_SECONDS
    permissions_boundary: str = ""
    managed_policies: tuple[str, ...] = ()
    inline_policies: Mapping[str, Document] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    trust_policy: Document = field(default_factory=dict)

    def described(self, trust: Trust) -> dict[str, Any]:
        """The shape in which the module returns it."""
        return {
            "name": self.name,
            "arn": self.arn,
            "path": self.path,
            "description": self.description,
            "max_session_duration": self.max_session_duration,
            "permissions_boundary": self.permissions_boundary,
            "managed_policies": list(self.managed_policies),
            "inline_policies": dict(self.inline_policies),
            "tags": dict(self.tags),
            "trust_policy": self.trust_policy,
            "subjects": trusted_subjects(self.trust_policy, trust),
        }


@dataclass(frozen=True)
class Purge:
    """Whether what is not named goes."""

    policies: bool
    tags: bool


def from_aws(role: Mapping[str, Any], attached: Sequence[str], inline: Mapping[str, Document]) -> Role:
    """A role of GetRole, with the ARNs of its managed policies and its inline policies."""
    return Role(
        name=role["RoleName"],
        arn=role["Arn"],
        path=role["Path"],
        description=role.get("Description", ""),
        max_session_duration=role.get("MaxSessionDuration", _DEFAULT_SESSION_SECONDS),
        permissions_boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        managed_policies=tuple(sorted(attached)),
        inline_policies=dict(inline),
        tags={tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
        trust_policy=role["AssumeRolePolicyDocument"],
    )


def check_names(roles: Sequence[Mapping[str, Any]]) -> None:
    """Raises DeepobsError where a role is named twice."""
    names = [role["name"] for role in roles]
    for name in names:
        if names.count(name) > 1:
            raise DeepobsError(f"roles: {name!r} is there twice; give it all its subjects in one entry.")


def plan_role(
    current: Role | None, wanted: Mapping[str, Any], request: Request, trust: Trust, purge: Purge
) -> Role | None:
    """The role as it should be, None: it should not be there. `wanted` is an entry of the module's roles.

    Raises DeepobsError for a path other than the role has, and for a trust policy that would be too long.
    """
    if request.state == "absent":
        return _without_trust(current, request, trust) if current else None
    base = current or _new_role(wanted, trust)
    if wanted["path"] not in (None, base.path):
        raise DeepobsError(
            f"Role {base.name} has path {base.path}, which IAM cannot change: leave out path, or name another role."
        )
    return replace(
        base,
        description=_given(wanted["description"], base.description),
        max_session_duration=_given(wanted["max_session_duration"], base.max_session_duration),
        permissions_boundary=_given(wanted["permissions_boundary"], base.permissions_boundary),
        managed_policies=_managed(base, wanted["managed_policies"], trust, purge),
        inline_policies=_inline(base, wanted["inline_policies"], purge),
        tags=({} if purge.tags else dict(base.tags)) | {key: str(value) for key, value in wanted["tags"].items()},
        trust_policy=request.merge(base.trust_policy, trust),
    )


def _new_role(wanted: Mapping[str, Any], trust: Trust) -> Role:
    path = wanted["path"] or "/"
    return Role(wanted["name"], account_of(trust.provider_arn).iam(f"role{path}{wanted['name']}"), path)


def _without_trust(current: Role, request: Request, trust: Trust) -> Role | None:
    document = request.merge(current.trust_policy, trust)
    return None if trusts_nobody(document) else replace(current, trust_policy=document)


def _given(value: Any, current: Any) -> Any:
    return current if value is None else value


def _managed(base: Role, arns: Sequence[str], trust: Trust, purge: Purge) -> tuple[str, ...]:
    """With AWS's own policies in the partition of the account: arn:aws-cn:iam::aws:policy/..."""
    aws_own = Account(account_of(trust.provider_arn).partition, "aws").iam("policy/")
    named = {_AWS_MANAGED.sub(aws_own, arn) for arn in arns}
    return tuple(sorted(named if purge.policies else named.union(base.managed_policies)))


def _inline(base: Role, wanted: Mapping[str, Document], purge: Purge) -> dict[str, Document]:
    """A policy that means the same stays as it is."""
    kept = {} if purge.policies else dict(base.inline_policies)
    for name, document in wanted.items():
        current = base.inline_policies.get(name)
        kept[name] = document if current is None or compare_policies(current, document) else current
    return dict(sorted(kept.items()))
