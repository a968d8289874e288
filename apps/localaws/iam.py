"""What the own services ask of IAM, which moto keeps: roles, their trust, OIDC providers, users, policies."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends

from localaws.access.evaluation import Policies
from localaws.seed import ACCOUNT
from localaws.service import ServiceError

_LOADS_AWS_POLICIES = "MOTO_IAM_LOAD_MANAGED_POLICIES"
_NOTHING = '{"Statement": []}'
Kind = Literal["role", "user"]
_PRINCIPAL_ARN = re.compile(rf"arn:aws[a-z-]*:iam::{ACCOUNT}:(role|user)/(?:.+/)?([^/]+)")
_ROLE_ARN = re.compile(rf"arn:aws[a-z-]*:iam::{ACCOUNT}:role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{{1,64}})")


@dataclass(frozen=True, slots=True)
class Role:
    """A role as far as assuming it goes; `trust` is its trust policy, parsed."""

    name: str
    arn: str
    id: str
    trust: dict[str, Any]
    maximum_session_seconds: int


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An identity provider that the account trusts; `url` has no scheme."""

    arn: str
    url: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A user, and the secret of one of its access keys."""

    name: str
    arn: str
    id: str
    secret_access_key: str
    is_active: bool


class Iam:
    """Looks into moto's IAM; every look holds the lock under which moto runs."""

    def __init__(self, lock: AbstractContextManager[Any], partition: str) -> None:
        self._lock = lock
        self._partition = partition
        # Moto asks this when it fills a backend, of which it has one for each partition: an account lives in one, and
        # parsing 1,600 policies takes its time.
        os.environ[_LOADS_AWS_POLICIES] = "false"
        self._iam = iam_backends[ACCOUNT][partition]
        os.environ[_LOADS_AWS_POLICIES] = "true"
        self._iam.reset()
        os.environ[_LOADS_AWS_POLICIES] = "false"
        self._aws_policies = list(self._iam.aws_managed_policies)

    @property
    def aws_policies(self) -> dict[str, Any]:
        """Moto's own objects of the policies of AWS, by ARN."""
        return {policy.arn: policy for policy in self._aws_policies}

    def restore_aws_policies(self) -> None:
        """Gives moto's IAM the policies of AWS back after a reset, attached to nothing."""
        with self._lock:
            for policy in self._aws_policies:
                policy.attachment_count = 0
            self._iam.aws_managed_policies = list(self._aws_policies)
            self._iam.managed_policies.update({policy.arn: policy for policy in self._aws_policies})

    def count_attachments(self) -> None:
        """Sets how often each policy of AWS is attached, by what it is attached to."""
        with self._lock:
            for policy in self._aws_policies:
                policy.attachment_count = 0
            for holder in (*self._iam.roles.values(), *self._iam.users.values()):
                for arn in holder.managed_policies:
                    self._iam.managed_policies[arn].attachment_count += ":iam::aws:" in arn

    def role(self, arn: str) -> Role | None:
        """The role with this ARN, None when there is none in this account."""
        found = _ROLE_ARN.fullmatch(arn)
        if not found:
            return None
        with self._lock:
            try:
                role = self._iam.get_role(found.group(1))
            except NotFoundException:
                return None
            trust = json.loads(role.assume_role_policy_document or "{}")
            if role.arn != arn:
                return None
            return Role(role.name, role.arn, role.id, trust, int(role.max_session_duration))

    def oidc_provider(self, issuer: str) -> OidcProvider | None:
        """The registered provider for an issuer's URL, None when it is not registered."""
        url = issuer.removeprefix("https://")
        with self._lock:
            for provider in self._iam.open_id_providers.values():
                if provider.url.removeprefix("https://") == url:
                    return OidcProvider(provider.arn, url, tuple(provider.client_id_list or ()))
        return None

    @contextmanager
    def provider(self, arn: str) -> Iterator[Any]:
        """Moto's own object of an OIDC provider, to be changed; raises ServiceError NoSuchEntity."""
        with self._lock:
            provider = self._iam.open_id_providers.get(arn)
            if provider is None:
                raise ServiceError("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
            yield provider

    def key_holder(self, access_key_id: str) -> KeyHolder | None:
        """The user whose key this is, None when it is no user's."""
        with self._lock:
            for user in self._iam.users.values():
                for key in user.access_keys:
                    if key.access_key_id == access_key_id:
                        active = key.status == "Active"
                        return KeyHolder(user.name, user.arn, user.id, key.secret_access_key, active)
        return None

    def arn_of(self, kind: Kind, name: str) -> str:
        """The ARN of a role or a user with its path; without one when there is none of this name."""
        with self._lock:
            holder = self._holder(kind, name)
            return str(holder.arn) if holder else f"arn:{self._partition}:iam::{ACCOUNT}:{kind}/{name}"

    def knows_principal(self, principal: str) -> bool:
        """Whether a principal may be there: of this account's roles and users it is known whether they are."""
        found = _PRINCIPAL_ARN.fullmatch(principal)
        if not found:
            return True
        kind: Kind = "user" if found[1] == "user" else "role"
        return self.arn_of(kind, found[2]) == principal and self.policies_of(kind, found[2]) is not None

    def inline_policies_of(self, kind: Kind, name: str) -> dict[str, str]:
        """The texts of the inline policies of a role or a user, none for one that is not there."""
        with self._lock:
            holder = self._holder(kind, name)
            return dict(holder.policies) if holder else {}

    def policies_of(self, kind: Kind, name: str) -> Policies | None:
        """The policies in and at a role or a user; None when it is not there."""
        with self._lock:
            holder = self._holder(kind, name)
            if holder is None:
                return None
            attached = (_default_document(policy) for policy in holder.managed_policies.values())
            boundary = getattr(holder, "permissions_boundary_arn", None)
            bounds = None if boundary is None else self.documents((boundary,))
            return Policies((*holder.policies.values(), *attached), bounds)

    def _holder(self, kind: Kind, name: str) -> Any:
        holders = self._iam.users if kind == "user" else self._iam.roles
        return next((holder for holder in holders.values() if holder.name == name), None)

    def documents(self, policies: Iterable[str]) -> tuple[str, ...]:
        """Policies, each a JSON text or a managed policy's ARN, as JSON texts; an ARN of none allows nothing."""
        with self._lock:
            managed = self._iam.managed_policies
            named = [(text, managed.get(text)) for text in policies]
            return tuple(
                (_default_document(policy) if policy else _NOTHING) if text.startswith("arn:") else text
                for text, policy in named
            )

    def is_attached(self, policy_arn: str) -> bool:
        """Whether a role or a user has this managed policy, as a policy or as its boundary."""
        with self._lock:
            return any(
                policy_arn in holder.managed_policies or getattr(holder, "permissions_boundary_arn", None) == policy_arn
                for holder in (*self._iam.roles.values(), *self._iam.users.values())
            )

    def version_count(self, policy_arn: str) -> int:
        """How many versions a managed policy has, 0 where there is none."""
        with self._lock:
            policy = self._iam.managed_policies.get(policy_arn)
            return len(policy.versions) if policy else 0

    def has_access_keys(self, user: str) -> bool:
        """Whether a user has access keys."""
        with self._lock:
            holder = self._holder("user", user)
            return bool(holder and holder.access_keys)

    def roles_of_profile(self, name: str) -> list[str]:
        """The names of an instance profile's roles, none for one that is not there."""
        with self._lock:
            profiles = self._iam.instance_profiles.values()
            return [role.name for profile in profiles if profile.name == name for role in profile.roles]

    def dump(self) -> dict[str, Any]:
        """Roles with their policies and trust, own policies and OIDC providers, sorted."""
        with self._lock:
            roles = {role.name: _role_dump(role) for role in self._iam.roles.values()}
            policies = {
                arn: {"default_version": policy.default_version_id, "document": json.loads(_default_document(policy))}
                for arn, policy in self._iam.managed_policies.items()
                if f":iam::{ACCOUNT}:" in arn
            }
            users = {user.name: _user_dump(user) for user in self._iam.users.values()}
            providers = {
                provider.arn: {"url": provider.url, "client_ids": sorted(provider.client_id_list or ())}
                for provider in self._iam.open_id_providers.values()
            }
        return {
            "roles": _sorted(roles),
            "users": _sorted(users),
            "policies": _sorted(policies),
            "oidc_providers": _sorted(providers),
        }


def _default_document(policy: Any) -> str:
    """The text of a managed policy's default version."""
    default = (version for version in policy.versions if version.version_id == policy.default_version_id)
    return str(next(default).document)


def _role_dump(role: Any) -> dict[str, Any]:
    return {
        "arn": role.arn,
        "path": role.path,
        "description": role.description,
        "max_session_duration": role.max_session_duration,
        "permissions_boundary": role.permissions_boundary,
        "trust_policy": json.loads(role.assume_role_policy_document or "{}"),
        "attached_policies": sorted(role.managed_policies),
        "inline_policies": _sorted({name: json.loads(text) for name, text in role.policies.items()}),
        "tags": _sorted({tag["Key"]: tag["Value"] for tag in role.tags}),
    }


def _user_dump(user: Any) -> dict[str, Any]:
    return {
        "arn": user.arn,
        "access_keys": len(user.access_keys),
        "attached_policies": sorted(user.managed_policies),
        "inline_policies": _sorted({name: json.loads(text) for name, text in user.policies.items()}),
    }


def _sorted(entries: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(entries.items()))
