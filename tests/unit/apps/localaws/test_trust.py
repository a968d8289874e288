"""Trust policies: which attempts they let through."""

from __future__ import annotations

from typing import Any

import pytest
from localaws.service import ServiceError
from localaws.sts.trust import Attempt, is_trusted

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/issuer"
ATTEMPT = Attempt(
    "Federated",
    frozenset({PROVIDER}),
    "sts:AssumeRoleWithWebIdentity",
    {"issuer:sub": ["system:serviceaccount:shop:backend"], "issuer:aud": ["sts.amazonaws.com"]},
)


def policy(condition: Any = None, **changes: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": ATTEMPT.action, **changes}
    return {"Statement": [{**statement, "Condition": condition}] if condition else statement}


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"issuer:sub": ["other", "system:serviceaccount:shop:backend"]}},
        {"StringEquals": {"ISSUER:sub": "system:serviceaccount:shop:backend"}},
        {"StringEqualsIgnoreCase": {"issuer:sub": "System:ServiceAccount:shop:backend"}},
        {"StringLike": {"issuer:sub": "system:serviceaccount:shop:*"}},
        {"StringLike": {"issuer:sub": "system:serviceaccount:sho?:backend"}},
        {"StringNotEquals": {"issuer:sub": "other"}},
        {"StringNotLike": {"issuer:absent": "*"}},
        {"StringEqualsIfExists": {"issuer:absent": "x"}},
        {"ForAnyValue:StringEquals": {"issuer:aud": "sts.amazonaws.com"}},
        {"ForAllValues:StringLike": {"issuer:absent": "x"}},
        {"Null": {"issuer:absent": "true", "issuer:sub": "false"}},
    ],
)
def test_condition_holds(condition: dict[str, Any]) -> None:
    assert is_trusted(policy(condition), ATTEMPT)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"issuer:sub": "system:serviceaccount:shop:*"}},
        {"StringEquals": {"issuer:sub": "System:ServiceAccount:shop:backend"}},
        {"StringLike": {"issuer:sub": "system:serviceaccount:shop"}},
        {"StringNotEquals": {"issuer:sub": ["other", "system:serviceaccount:shop:backend"]}},
        {"StringEquals": {"issuer:absent": "x"}},
        {"ForAnyValue:StringEquals": {"issuer:absent": "x"}},
        {"Null": {"issuer:sub": "true"}},
        {"StringEquals": {"issuer:aud": "sts.amazonaws.com"}, "StringLike": {"issuer:sub": "other*"}},
        {"StringEquals": {"issuer:aud": "sts.amazonaws.com", "issuer:sub": "other"}},
    ],
)
def test_condition_fails(condition: dict[str, Any]) -> None:
    assert not is_trusted(policy(condition), ATTEMPT)


@pytest.mark.parametrize(
    "changes",
    [
        {"Principal": "*"},
        {"Principal": {"Federated": ["other", PROVIDER]}},
        {"Action": ["sts:TagSession", "sts:*"]},
        {"Action": "STS:assumerolewithwebidentity"},
        {"Action": None, "NotAction": "sts:AssumeRole"},
    ],
)
def test_statement_applies(changes: dict[str, Any]) -> None:
    changed = policy(**changes)
    changed["Statement"] = {name: value for name, value in changed["Statement"].items() if value is not None}
    assert is_trusted(changed, ATTEMPT)


@pytest.mark.parametrize(
    "changes", [{"Principal": {"AWS": "*"}}, {"Principal": {}}, {"Action": "sts:AssumeRole"}, {"Effect": "Deny"}]
)
def test_statement_does_not_apply(changes: dict[str, Any]) -> None:
    assert not is_trusted(policy(**changes), ATTEMPT)


def test_policy_without_statements_trusts_nobody() -> None:
    assert not is_trusted({}, ATTEMPT)


def test_operator_that_is_not_known_is_said() -> None:
    with pytest.raises(ServiceError, match="localaws does not evaluate the condition operator StringSame"):
        is_trusted(policy({"StringSame": {"issuer:sub": "x"}}), ATTEMPT)
