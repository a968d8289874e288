"""What the own services ask of IAM, which moto keeps: roles, their trust, OIDC providers, sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from localaws.seed import ACCOUNT
from localaws.service import ServiceError

_PARTITION = "aws"
_ROLE_ARN = re.compile(rf"arn:aws:iam::{ACCOUNT}:role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{{1,64}})")


@dataclass(frozen=True, slots=True)
class Role:
    """A role as far as assuming it goes; `trust` is its trust policy, parsed."""

    name: str
    arn: str
    trust: dict[str, Any]
    maximum_session_seconds: int


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """An identity provider that the account trusts; `url` has no scheme."""

    arn: str
    url: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """Temporary credentials of an assumed role."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime
    user_id: str
    arn: str


class Iam:
    """Looks into moto's IAM; every look holds the lock under which moto runs."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self._iam = iam_backends[ACCOUNT][_PARTITION]
        self._sts = sts_backends[ACCOUNT][_PARTITION]

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
            return Role(role.name, role.arn, trust, int(role.max_session_duration)) if role.arn == arn else None

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

    def open_session(self, role: Role, name: str, seconds: int, region: str) -> Session:
        """Credentials of the role, which GetCallerIdentity knows from then on."""
        with self._lock:
            made = self._sts.assume_role(
                region_name=region,
                role_session_name=name,
                role_arn=role.arn,
                policy=None,
                duration=seconds,
                external_id=None,
            )
            return Session(
                made.access_key_id,
                made.secret_access_key,
                made.session_token,
                made.expiration.replace(tzinfo=UTC),
                made.user_id,
                made.arn,
            )

    def caller_arn(self, access_key_id: str | None, region: str) -> str:
        """The ARN of whoever holds this key; unknown keys are the account's own."""
        with self._lock:
            identity = self._sts.get_caller_identity(access_key_id or "", region)
            return str(identity[1])

    def dump(self) -> dict[str, Any]:
        """Roles with their policies and trust, own policies and OIDC providers, sorted."""
        with self._lock:
            roles = {role.name: _role_dump(role) for role in self._iam.roles.values()}
            policies = {
                arn: {"default_version": policy.default_version_id, "document": json.loads(policy.document)}
                for arn, policy in self._iam.managed_policies.items()
                if not arn.startswith("arn:aws:iam::aws:")
            }
            providers = {
                provider.arn: {"url": provider.url, "client_ids": sorted(provider.client_id_list or ())}
                for provider in self._iam.open_id_providers.values()
            }
        return {"roles": _sorted(roles), "policies": _sorted(policies), "oidc_providers": _sorted(providers)}


def _role_dump(role: Any) -> dict[str, Any]:
    return {
        "arn": role.arn,
        "path": role.path,
        "description": role.description,
        "max_session_duration": role.max_session_duration,
        "trust_policy": json.loads(role.assume_role_policy_document or "{}"),
        "attached_policies": sorted(role.managed_policies),
        "inline_policies": _sorted({name: json.loads(text) for name, text in role.policies.items()}),
        "tags": _sorted({tag["Key"]: tag["Value"] for tag in role.tags}),
    }


def _sorted(entries: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(entries.items()))
