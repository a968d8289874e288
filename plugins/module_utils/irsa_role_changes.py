# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads roles for service accounts out of IAM, and makes them what a plan says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import call
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_iam import (
    RoleGoneError,
    call_awaited,
    read_awaited_role,
    read_role,
    trust_policy_of,
)
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_roles import Role, from_aws
from ansible_collections.deepobs.eks.plugins.module_utils.paging import pages
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Document, trusts_nobody
from ansible_collections.deepobs.eks.plugins.module_utils.trust_settling import put_and_watch
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch

Merge = Callable[[Document], Document]


class RoleChanges:
    """Changes of one role in IAM. Each can be cut off anywhere: the next run finds what is left to do."""

    def __init__(self, iam: Any, name: str, merge: Merge, settle_seconds: float, watch: Stopwatch) -> None:
        self._iam = iam
        self._name = name
        self._merge = merge
        self._settle_seconds = settle_seconds
        self._watch = watch

    def read(self, inline_names: Mapping[str, Any] | None) -> Role | None:
        """The role with these inline policies (None: with all of them); None where there is no such role."""
        role = read_role(self._iam, self._name)
        if not role:
            return None
        names = self._inline_names() if inline_names is None else inline_names
        read = {name: self._inline_policy(name) for name in names}
        return from_aws(role, self._attached(), {name: document for name, document in read.items() if document})

    def read_awaited(self, inline_names: Mapping[str, Any]) -> Role:
        """The role, which somebody has just created; raises RoleGoneError where it does not come."""
        if read_awaited_role(self._iam, self._name, self._watch) and (role := self.read(inline_names)):
            return role
        raise RoleGoneError(self._name)

    def create(self, role: Role) -> bool:
        """Creates the role with its trust policy, without its permissions; False where somebody was quicker."""
        options: dict[str, Any] = {
            "Description": role.description,
            "PermissionsBoundary": role.permissions_boundary,
            "Tags": _tag_list(role.tags),
        }
        created = self._call(
            "create",
            self._iam.create_role,
            missing_code="EntityAlreadyExists",
            Path=role.path,
            AssumeRolePolicyDocument=json.dumps(role.trust_policy),
            MaxSessionDuration=role.max_session_duration,
            **{name: value for name, value in options.items() if value},
        )
        return bool(created)

    def update(self, before: Role, after: Role) -> Role:
        """Makes the role what it should be; the role with the trust policy that stands afterwards."""
        self._update_attributes(before, after)
        self._update_tags(before.tags, after.tags)
        self._update_managed(before, after)
        self._update_inline(before.inline_policies, after.inline_policies)
        return self._update_trust(before, after)

    def remove(self, role: Role) -> Role | None:
        """Deletes the role and what is attached to it; what is left where somebody else has come to be trusted."""
        fresh = read_role(self._iam, self._name)
        document = fresh.get("AssumeRolePolicyDocument", {})
        remaining = self._merge(document)
        if not trusts_nobody(remaining):
            return self._update_trust(replace(role, trust_policy=document), replace(role, trust_policy=remaining))
        self._update_managed(role, replace(role, managed_policies=()))
        self._update_inline(role.inline_policies, {})
        self._call("delete", self._iam.delete_role, missing_code="NoSuchEntity")
        return None

    def _update_attributes(self, before: Role, after: Role) -> None:
        # UpdateRole takes what it is not given for its default (IAM API reference, "UpdateRole").
        settings = {"Description": after.description, "MaxSessionDuration": after.max_session_duration}
        if settings != {"Description": before.description, "MaxSessionDuration": before.max_session_duration}:
            self._call("update", self._iam.update_role, **settings)
        if before.permissions_boundary == after.permissions_boundary:
            return
        if after.permissions_boundary:
            method, boundary = self._iam.put_role_permissions_boundary, after.permissions_boundary
            self._call("set the permissions boundary of", method, PermissionsBoundary=boundary)
        else:
            self._call("take the permissions boundary off", self._iam.delete_role_permissions_boundary)

    def _update_tags(self, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        if gone := sorted(before.keys() - after.keys()):
            self._call("untag", self._iam.untag_role, TagKeys=gone)
        if changed := {key: value for key, value in after.items() if before.get(key) != value}:
            self._call("tag", self._iam.tag_role, Tags=_tag_list(changed))

    def _update_managed(self, before: Role, after: Role) -> None:
        for arn in after.managed_policies:
            if arn not in before.managed_policies:
                self._call(f"attach {arn} to", self._iam.attach_role_policy, PolicyArn=arn)
        for arn in before.managed_policies:
            if arn not in after.managed_policies:
                method = self._iam.detach_role_policy
                self._call(f"detach {arn} from", method, missing_code="NoSuchEntity", PolicyArn=arn)

    def _update_inline(self, before: Mapping[str, Document], after: Mapping[str, Document]) -> None:
        for name, document in after.items():
            if before.get(name) != document:
                method, text = self._iam.put_role_policy, json.dumps(document)
                self._call(f"put inline policy {name} into", method, PolicyName=name, PolicyDocument=text)
        for name in sorted(before.keys() - after.keys()):
            method = self._iam.delete_role_policy
            self._call(f"delete inline policy {name} of", method, missing_code="NoSuchEntity", PolicyName=name)

    def _update_trust(self, before: Role, after: Role) -> Role:
        if before.trust_policy == after.trust_policy:
            return after
        shared = trust_policy_of(self._iam, self._name, self._merge, self._watch)
        return replace(after, trust_policy=put_and_watch(shared, self._settle_seconds, self._watch))

    def _attached(self) -> list[str]:
        purpose = f"list the managed policies of role {self._name}"
        method = self._iam.list_attached_role_policies
        listed = pages(method, purpose, continued_by="Marker", RoleName=self._name)
        return [policy["PolicyArn"] for page in listed for policy in page["AttachedPolicies"]]

    def _inline_names(self) -> list[str]:
        purpose = f"list the inline policies of role {self._name}"
        listed = pages(self._iam.list_role_policies, purpose, continued_by="Marker", RoleName=self._name)
        return [name for page in listed for name in page["PolicyNames"]]

    def _inline_policy(self, name: str) -> Document:
        """The policy's document; empty where the role has none of this name."""
        purpose = f"read inline policy {name} of role {self._name}"
        method = self._iam.get_role_policy
        answer = call(method, purpose, missing_code="NoSuchEntity", RoleName=self._name, PolicyName=name)
        document: Document = answer.get("PolicyDocument", {})
        return document

    def _call(self, doing: str, method: Callable[..., dict[str, Any]], **parameters: Any) -> dict[str, Any]:
        return call_awaited(method, f"{doing} role {self._name}", self._watch, RoleName=self._name, **parameters)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
