"""Temporary credentials of assumed roles.

The session's token itself says whose it is and until when, under a key that the state folder keeps, as AWS' does: so
sessions outlive a restart, and nothing needs to be remembered of them.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt

from localaws.identity.issuer import write_secret

_KEY_BYTES = 32
_ID_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a role; `policies` are its session policies, None when it has none."""

    access_key_id: str
    role_arn: str
    role_id: str
    name: str
    expires_at: float
    policies: tuple[str, ...] | None = None

    @property
    def role_name(self) -> str:
        """The role's name without its path."""
        return self.role_arn.rpartition("/")[2]

    @property
    def arn(self) -> str:
        """Who the session is to AWS."""
        partition, account = self.role_arn.split(":")[1], self.role_arn.split(":")[4]
        return f"arn:{partition}:sts::{account}:assumed-role/{self.role_name}/{self.name}"

    @property
    def user_id(self) -> str:
        """The role's unique id and the session's name."""
        return f"{self.role_id}:{self.name}"


class Sessions:
    """Opens sessions and reads their tokens."""

    def __init__(self, key_file: Path, clock: Callable[[], float]) -> None:
        """Reads the key, or makes one (mode 0600). Raises OSError."""
        if not key_file.exists():
            write_secret(key_file, secrets.token_bytes(_KEY_BYTES))
        self._key = key_file.read_bytes()
        self._clock = clock

    def open(
        self, role_arn: str, role_id: str, name: str, seconds: int, policies: tuple[str, ...] | None
    ) -> dict[str, Any]:
        """A new session of a role, as STS' Credentials and AssumedRoleUser."""
        access_key_id = "ASIA" + "".join(secrets.choice(_ID_CHARACTERS) for _unused in range(16))
        session = Session(access_key_id, role_arn, role_id, name, int(self._clock()) + seconds, policies)
        return {
            "Credentials": {
                "AccessKeyId": access_key_id,
                "SecretAccessKey": self.secret(session),
                "SessionToken": self._token(session),
                "Expiration": datetime.fromtimestamp(session.expires_at, UTC),
            },
            "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
        }

    def read(self, access_key_id: str, token: str) -> Session | None:
        """The session of a key and a token; None when they were not given here, or not together."""
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], options={"verify_exp": False})
        except jwt.InvalidTokenError:
            return None
        policies = claims["policies"]
        session = Session(
            claims["key"],
            claims["role"],
            claims["id"],
            claims["name"],
            claims["exp"],
            None if policies is None else tuple(policies),
        )
        return session if session.access_key_id == access_key_id else None

    def secret(self, session: Session) -> str:
        """The session's secret access key."""
        return base64.b64encode(hmac.digest(self._key, session.access_key_id.encode(), "sha256")[:30]).decode()

    def _token(self, session: Session) -> str:
        claims = {
            "key": session.access_key_id,
            "role": session.role_arn,
            "id": session.role_id,
            "name": session.name,
            "exp": session.expires_at,
            "policies": session.policies,
        }
        return jwt.encode(claims, self._key, algorithm="HS256")
