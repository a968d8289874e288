# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a service account may not assume a role, check by check, and the tasks that mend it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.arns import account_of, resource_name
from ansible_collections.deepobs.eks.plugins.module_utils.trust_evaluation import (
    Attempt,
    Finding,
    applies,
    attempt_of,
    findings,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import (
    Document,
    Statement,
    Trust,
    comparisons,
    short_subject,
    statements,
    token_subject,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_tokens import audience_of

Check = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """What is asked, and what AWS has of it.

    `role` is the name or ARN that was given, `found` the role as IAM describes it (empty: there is none), `audiences`
    those of the provider (None: there is none), `claims` those of the token (empty: no token was given) and
    `now_seconds` the time since the epoch.
    """

    role: str
    cluster_name: str
    subject: str
    trust: Trust
    found: Mapping[str, Any]
    audiences: tuple[str, ...] | None
    claims: Mapping[str, Any]
    now_seconds: float

    @property
    def role_name(self) -> str:
        return resource_name(self.role)

    @property
    def policy(self) -> Document:
        document: Document = self.found.get("AssumeRolePolicyDocument", {})
        return document

    @property
    def attempt(self) -> Attempt:
        """The attempt of the service account that is meant; a token that says otherwise has checks of its own."""
        return attempt_of(self.trust, self.subject)


@dataclass(frozen=True)
class Nearest:
    """The Allow statement that lacks least, its number from 1, and its lines held against the attempt."""

    number: int
    statement: Statement
    lines: tuple[Finding, ...]

    @property
    def failing(self) -> list[Finding]:
        return [line for line in self.lines if line.holds is False]

    def described(self) -> dict[str, Any]:
        """The shape in which the module returns it."""
        lines = [line.described() for line in self.lines]
        return {"number": self.number, "statement": self.statement, "lines": lines}


def nearest_allow(policy: Document, attempt: Attempt) -> Nearest | None:
    """The Allow statement of which the fewest lines fail; one of this provider before any other."""
    candidates = [
        Nearest(number, statement, tuple(findings(statement, attempt)))
        for number, statement in enumerate(statements(policy), start=1)
        if statement["Effect"] == "Allow"
    ]
    return min(candidates, key=lambda one: (one.lines[0].holds is False, len(one.failing)), default=None)


def denials(policy: Document, attempt: Attempt) -> list[tuple[int, Statement, bool | None]]:
    """The Deny statements that are, or may be (None), about the attempt; by their numbers from 1."""
    held = [
        (number, statement, applies(statement, attempt))
        for number, statement in enumerate(statements(policy), start=1)
        if statement["Effect"] == "Deny"
    ]
    return [one for one in held if one[2] is not False]


def trusted_by(policy: Document, trust: Trust) -> list[dict[str, Any]]:
    """Everyone whom the role trusts through the provider: who, by which statement, under which other conditions."""
    attempt = attempt_of(trust, "")
    return [
        entry
        for number, statement in enumerate(statements(policy), start=1)
        if statement["Effect"] == "Allow" and all(line.holds for line in findings(statement, attempt)[:2])
        for entry in _trusted_by_statement(number, statement, trust)
    ]


def _trusted_by_statement(number: int, statement: Statement, trust: Trust) -> Iterator[dict[str, Any]]:
    sub = f"{trust.issuer}:sub".lower()
    compared = comparisons(statement)
    named = [one for one in compared if one.key.lower() == sub]
    others = [f"{one.operator} {one.key} {', '.join(map(str, one.values))}" for one in compared if one not in named]
    for operator, text in [(one.operator, value) for one in named for value in one.values] or [("", "*")]:
        yield {
            "subject": short_subject(str(text)),
            "operator": operator,
            "statement": number,
            "managed": trust.listing(statement) is not None,
            "other_conditions": others,
        }


def checks(case: Case) -> list[Check]:
    """Everything that must hold for AssumeRoleWithWebIdentity to be allowed, in the order in which AWS looks."""
    return [*_role_checks(case), *_provider_checks(case), *_token_checks(case), *_policy_checks(case)]


def _check(name: str, holds: bool | None, message: str) -> Check:
    return {"name": name, "holds": holds, "message": message}


def _role_checks(case: Case) -> Iterator[Check]:
    if case.role.startswith("arn:"):
        account, own = account_of(case.role), account_of(case.trust.provider_arn)
        there = f"{case.role} is of partition {account.partition}, account {account.number}"
        here = f"the cluster's provider is of partition {own.partition}, account {own.number}"
        yield _check("account", account == own, f"{there}; {here}")
    there = f"there is {'a' if case.found else 'no'} role {case.role_name} in the account"
    yield _check("role_exists", bool(case.found), there)
    if case.found and case.role.startswith("arn:"):
        arn = case.found["Arn"]
        yield _check("role_arn", case.role == arn, f"the role's ARN is {arn}, and {case.role} was given")


def _provider_checks(case: Case) -> Iterator[Check]:
    arn, registered = case.trust.provider_arn, case.audiences is not None
    yield _check("provider_registered", registered, f"IAM has {'' if registered else 'no '}{arn}")
    if registered:
        known = ", ".join(case.audiences or ()) or "none"
        accepted = case.trust.audience in (case.audiences or ())
        yield _check("provider_audience", accepted, f"{case.trust.audience} is wanted, the provider accepts {known}")


def _token_checks(case: Case) -> Iterator[Check]:
    if not case.claims:
        return
    claims, issuer = case.claims, f"https://{case.trust.issuer}"
    yield _check(
        "token_issuer", claims.get("iss") == issuer, f"the token is of {claims.get('iss')}, the cluster's is {issuer}"
    )
    wanted = token_subject(case.subject)
    yield _check("token_subject", claims.get("sub") == wanted, f"the token names {claims.get('sub')}, not {wanted}")
    audience = audience_of(claims, (case.trust.audience,))
    same = audience == case.trust.audience
    yield _check("token_audience", same, f"the token is for {audience}, {case.trust.audience} is wanted")
    yield _in_time(claims, case.now_seconds)


def _in_time(claims: Mapping[str, Any], now_seconds: float) -> Check:
    expiry, start = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expiry, int | float) or not isinstance(start, int | float):
        return _check("token_in_time", None, "the claims given tell no exp")
    message = f"the token ends {expiry - now_seconds:+.0f} s from now"
    if start > now_seconds:
        message = f"the token begins {start - now_seconds:+.0f} s from now"
    return _check("token_in_time", start <= now_seconds < expiry, message)


def _policy_checks(case: Case) -> Iterator[Check]:
    if not case.found:
        return
    nearest = nearest_allow(case.policy, case.attempt)
    yield _allowed(nearest)
    for number, statement, about in denials(case.policy, case.attempt):
        sid = f" ({statement['Sid']})" if statement.get("Sid") else ""
        what = "denies it" if about else "denies it where its conditions hold, which only the request can tell"
        yield _check("not_denied", False if about else None, f"statement {number}{sid} {what}")


def _allowed(nearest: Nearest | None) -> Check:
    if nearest is None:
        return _check("allowed", False, "the trust policy has no Allow statement")
    where = f"statement {nearest.number} comes nearest"
    if nearest.failing:
        failing = "; ".join(
            f"{line.element} wants {' or '.join(line.expected) or 'nothing'}, not {line.actual or 'nothing'}"
            for line in nearest.failing
        )
        return _check("allowed", False, f"no statement allows it; {where}: {failing}")
    unknown = [line.element for line in nearest.lines if line.holds is None]
    if unknown:
        return _check("allowed", None, f"{where}: it hangs on {', '.join(unknown)}, which only the request can tell")
    return _check("allowed", True, f"statement {nearest.number} allows it")
