"""The operations of STS in which a role's trust policy decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localaws.iam import Iam, Role, Session
from localaws.identity import Issuer
from localaws.service import Request, Service, ServiceError
from localaws.sts.trust import Attempt, is_trusted
from localaws.sts.web_identity import TokenChecker

_DEFAULT_SESSION_SECONDS = 3600


def create_service(clock: Callable[[], float], issuers: Mapping[str, Issuer], iam: Iam) -> Service:
    """STS for the account whose roles `iam` knows; `issuers` by their URL."""
    operations = _Operations(iam, TokenChecker(issuers, iam, clock))
    return Service(
        "sts",
        {
            "AssumeRoleWithWebIdentity": operations.assume_role_with_web_identity,
            "AssumeRole": operations.assume_role,
        },
    )


class _Operations:
    def __init__(self, iam: Iam, tokens: TokenChecker) -> None:
        self._iam = iam
        self._tokens = tokens

    def assume_role_with_web_identity(self, request: Request) -> dict[str, Any]:
        _refuse_session_policies(request)
        identity = self._tokens.identify(request.parameters["WebIdentityToken"])
        attempt = Attempt(
            "Federated",
            frozenset({identity.provider.arn}),
            "sts:AssumeRoleWithWebIdentity",
            identity.context(),
        )
        session = self._open(request, attempt, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        return {
            **_session_members(session),
            "SubjectFromWebIdentityToken": identity.subject,
            "Provider": identity.provider.arn,
            "Audience": identity.audience,
        }

    def assume_role(self, request: Request) -> dict[str, Any]:
        _refuse_session_policies(request)
        caller = self._iam.caller_arn(request.credentials, request.region)
        root = f"arn:aws:iam::{request.account}:root"
        external_id = request.parameters.get("ExternalId")
        context = {"sts:externalid": [external_id]} if external_id else {}
        attempt = Attempt("AWS", frozenset({caller, root, request.account}), "sts:AssumeRole", context)
        role_arn = request.parameters["RoleArn"]
        refusal = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
        return _session_members(self._open(request, attempt, refusal))

    def _open(self, request: Request, attempt: Attempt, refusal: str) -> Session:
        """Opens the session the request asks for. A role that is not there is refused as one that does not trust."""
        role = self._iam.role(request.parameters["RoleArn"])
        if role is None or not is_trusted(role.trust, attempt):
            raise ServiceError("AccessDenied", refusal, 403)
        return self._iam.open_session(
            role, request.parameters["RoleSessionName"], _session_seconds(request, role), request.region
        )


def _session_seconds(request: Request, role: Role) -> int:
    seconds = int(request.parameters.get("DurationSeconds", _DEFAULT_SESSION_SECONDS))
    if seconds > role.maximum_session_seconds:
        raise ServiceError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    return seconds


def _refuse_session_policies(request: Request) -> None:
    for name in ("Policy", "PolicyArns", "ProviderId", "SerialNumber"):
        if request.parameters.get(name):
            raise ServiceError(
                "NotImplemented", f"localaws does not implement sts.{request.operation} with {name}", 501
            )


def _session_members(session: Session) -> dict[str, Any]:
    return {
        "Credentials": {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "SessionToken": session.session_token,
            "Expiration": session.expiration,
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    }
