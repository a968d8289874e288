"""Finds out who a request is from, and refuses one whose signature says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from localaws.access.conditions import Context
from localaws.access.sessions import Session, Sessions
from localaws.access.signature import check_signature
from localaws.http import Credential, HttpRequest
from localaws.iam import Iam
from localaws.regions import is_region, partition_of
from localaws.seed import ACCOUNT
from localaws.service import ServiceError

Kind = Literal["root", "user", "session"]
# The values of aws:PrincipalType.
_PRINCIPAL_TYPES = {"root": "Account", "user": "User", "session": "AssumedRole"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the account itself, one of its users, or a session of one of its roles."""

    kind: Kind
    arn: str
    user_id: str
    name: str = ""
    session: Session | None = None

    @property
    def principal_arn(self) -> str:
        """The ARN of the user, or of the role whose session it is."""
        return self.session.role_arn if self.session else self.arn

    def context(self) -> Context:
        """The condition keys that tell of the caller (IAM User Guide, "Global condition context keys")."""
        keys = {
            "aws:principalarn": [self.principal_arn],
            "aws:principalaccount": [ACCOUNT],
            "aws:principaltype": [_PRINCIPAL_TYPES[self.kind]],
            "aws:userid": [self.user_id],
        }
        return {**keys, "aws:username": [self.name]} if self.kind == "user" else keys


class Callers:
    """Knows the account's access keys."""

    def __init__(
        self,
        iam: Iam,
        sessions: Sessions,
        root_keys: Mapping[str, str],
        partition: str,
        clock: Callable[[], float],
    ) -> None:
        """`root_keys` are the secrets of the root's keys; without any, each key that is nobody else's is root's."""
        self._iam = iam
        self._sessions = sessions
        self._root_keys = root_keys
        self._partition = partition
        self._clock = clock
        self._root = Caller("root", f"arn:{partition}:iam::{ACCOUNT}:root", ACCOUNT)

    def identify(self, http: HttpRequest, credential: Credential) -> Caller:
        """Who signed the request.

        Raises ServiceError: InvalidSignatureException for a region that AWS does not have,
        UnrecognizedClientException for a key or a token that is not known here, ExpiredTokenException for a session
        that is over, and those of check_signature.
        """
        if not is_region(credential.region):
            raise ServiceError("InvalidSignatureException", "Credential should be scoped to a valid region.", 403)
        if partition_of(credential.region) != self._partition:
            raise _unrecognized()
        token = http.headers.get("x-amz-security-token")
        if token is not None:
            return self._session(http, credential.access_key_id, token)
        if secret := self._root_keys.get(credential.access_key_id):
            check_signature(http, secret, self._clock())
            return self._root
        if user := self._iam.key_holder(credential.access_key_id):
            if not user.is_active:
                raise _unrecognized()
            check_signature(http, user.secret_access_key, self._clock())
            return Caller("user", user.arn, user.id, user.name)
        if self._root_keys or credential.access_key_id.startswith("ASIA"):
            raise _unrecognized()
        return self._root

    def _session(self, http: HttpRequest, access_key_id: str, token: str) -> Caller:
        session = self._sessions.read(access_key_id, token)
        if session is None or self._iam.role(session.role_arn) is None:
            raise _unrecognized()
        check_signature(http, self._sessions.secret(session), self._clock())
        if self._clock() >= session.expires_at:
            raise ServiceError("ExpiredTokenException", "The security token included in the request is expired", 403)
        return Caller("session", session.arn, session.user_id, session.role_name, session)


def moment_context(now_seconds: float) -> Context:
    """The condition keys that tell the time."""
    moment = datetime.fromtimestamp(now_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"aws:currenttime": [moment], "aws:epochtime": [str(int(now_seconds))]}


def _unrecognized() -> ServiceError:
    message = "The security token included in the request is invalid."
    return ServiceError("UnrecognizedClientException", message, 403)
