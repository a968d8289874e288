"""The operations of STS: sessions of roles, in which the role's trust policy decides, and who the caller is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localaws.access.callers import Caller, moment_context
from localaws.access.conditions import Context
from localaws.access.evaluation import Need
from localaws.access.gate import Gate
from localaws.access.sessions import Sessions
from localaws.iam import Iam, Role
from localaws.identity import ExternalIssuer, Issuer
from localaws.policy_document import check_identity_policy
from localaws.service import Request, Service, ServiceError
from localaws.sts.trust import Attempt, effects, is_trusted
from localaws.sts.web_identity import TokenChecker

_DEFAULT_SESSION_SECONDS = 3600
# IAM User Guide, "Roles terms and concepts", role chaining.
_CHAINED_SESSION_SECONDS = 3600
_NOT_HERE = (
    "ProviderId",
    "SerialNumber",
    "TokenCode",
    "Tags",
    "TransitiveTagKeys",
    "SourceIdentity",
    "ProvidedContexts",
)


def create_service(
    clock: Callable[[], float], issuers: Mapping[str, Issuer | ExternalIssuer], iam: Iam, sessions: Sessions, gate: Gate
) -> Service:
    """STS for the account whose roles `iam` knows; `issuers` by their URL."""
    operations = _Operations(clock, iam, TokenChecker(issuers, iam, clock), sessions, gate)
    return Service(
        "sts",
        {
            "AssumeRoleWithWebIdentity": operations.assume_role_with_web_identity,
            "AssumeRole": operations.assume_role,
            "GetCallerIdentity": _get_caller_identity,
        },
    )


class _Operations:
    def __init__(
        self, clock: Callable[[], float], iam: Iam, tokens: TokenChecker, sessions: Sessions, gate: Gate
    ) -> None:
        self._clock = clock
        self._iam = iam
        self._tokens = tokens
        self._sessions = sessions
        self._gate = gate

    def assume_role_with_web_identity(self, request: Request) -> dict[str, Any]:
        _refuse_what_is_not_here(request)
        identity = self._tokens.identify(request.parameters["WebIdentityToken"])
        attempt = Attempt(
            "Federated",
            frozenset({identity.provider.arn}),
            "sts:AssumeRoleWithWebIdentity",
            {**identity.context(), **self._context(request)},
        )
        role = self._iam.role(request.parameters["RoleArn"])
        # A role that is not there is refused as one that does not trust.
        if role is None or not is_trusted(role.trust, attempt):
            raise ServiceError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        return {
            **self._open(request, role, role.maximum_session_seconds),
            "SubjectFromWebIdentityToken": identity.subject,
            "Provider": identity.provider.arn,
            "Audience": identity.audience,
        }

    def assume_role(self, request: Request) -> dict[str, Any]:
        _refuse_what_is_not_here(request)
        caller, role = _caller(request), self._iam.role(request.parameters["RoleArn"])
        if role is None or not self._may_assume(caller, role, self._context(request)):
            refusal = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: "
            raise ServiceError("AccessDenied", refusal + request.parameters["RoleArn"], 403)
        most_seconds = _CHAINED_SESSION_SECONDS if caller.session else role.maximum_session_seconds
        return self._open(request, role, min(most_seconds, role.maximum_session_seconds))

    def _may_assume(self, caller: Caller, role: Role, context: Context) -> bool:
        """Whether the role's trust policy names the caller, or the account and the caller's policies allow it."""
        context = {**context, **caller.context()}
        partition, account = role.arn.split(":")[1], role.arn.split(":")[4]
        by_name = frozenset({caller.arn, caller.principal_arn})
        by_account = frozenset({account, f"arn:{partition}:iam::{account}:root"})
        named = effects(role.trust, Attempt("AWS", by_name, "sts:AssumeRole", context))
        trusted = effects(role.trust, Attempt("AWS", by_account, "sts:AssumeRole", context))
        refusal = self._gate.refusal(caller, Need("sts:AssumeRole", role.arn), context)
        if "Deny" in named | trusted or (refusal and refusal.is_explicit):
            return False
        return "Allow" in named or ("Allow" in trusted and refusal is None)

    def _open(self, request: Request, role: Role, most_seconds: int) -> dict[str, Any]:
        parameters = request.parameters
        seconds = int(parameters.get("DurationSeconds", _DEFAULT_SESSION_SECONDS))
        if seconds > most_seconds:
            message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise ServiceError("ValidationError", message)
        policies = [entry["arn"] for entry in parameters.get("PolicyArns", [])]
        if parameters.get("Policy"):
            check_identity_policy(parameters["Policy"])
            policies.append(parameters["Policy"])
        return self._sessions.open(
            role.arn, role.id, parameters["RoleSessionName"], seconds, tuple(policies) if policies else None
        )

    def _context(self, request: Request) -> Context:
        parameters = request.parameters
        keys = {"sts:rolesessionname": [parameters["RoleSessionName"]], "aws:requestedregion": [request.region]}
        external_id = {"sts:externalid": [parameters["ExternalId"]]} if parameters.get("ExternalId") else {}
        return {**keys, **external_id, **moment_context(self._clock())}


def _get_caller_identity(request: Request) -> dict[str, Any]:
    caller = _caller(request)
    return {"UserId": caller.user_id, "Account": request.account, "Arn": caller.arn}


def _caller(request: Request) -> Caller:
    if request.caller is None:
        raise ServiceError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    return request.caller


def _refuse_what_is_not_here(request: Request) -> None:
    for name in _NOT_HERE:
        if request.parameters.get(name):
            raise ServiceError(
                "NotImplemented", f"localaws does not implement sts.{request.operation} with {name}", 501
            )
