"""One line of a statement held against a token, by IAM's rules for condition operators."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trust_evaluation import applies, attempt_of
from support.trust_documents import ISSUER, OTHER_ISSUER, PROVIDER, TRUST

SUB, AUD, OTHER_SUB = f"{ISSUER}:sub", f"{ISSUER}:aud", f"{OTHER_ISSUER}:sub"
AA = "system:serviceaccount:a:a"

LINES: list[tuple[str, str, Any, bool | None]] = [
    ("StringEquals", SUB, AA, True),
    ("StringEquals", SUB.upper(), ["x", AA], True),
    ("StringEquals", SUB, AA.upper(), False),
    ("StringEqualsIgnoreCase", SUB, AA.upper(), True),
    ("StringNotEquals", SUB, AA, False),
    ("StringNotEquals", OTHER_SUB, AA, True),
    ("StringLike", SUB, "system:serviceaccount:?:*", True),
    ("StringLike", SUB, "system:serviceaccount:?", False),
    ("StringNotLike", SUB, "*:b", True),
    ("StringEquals", OTHER_SUB, AA, False),
    ("StringEqualsIfExists", OTHER_SUB, AA, True),
    ("StringEqualsIfExists", SUB, "x", False),
    ("ForAnyValue:StringEquals", SUB, AA, True),
    ("ForAnyValue:StringNotEquals", OTHER_SUB, AA, False),
    ("ForAllValues:StringEquals", OTHER_SUB, AA, True),
    ("Null", SUB, "false", True),
    ("Null", OTHER_SUB, "true", True),
    ("Null", SUB, True, False),
    ("StringEquals", "aws:RequestedRegion", "eu-west-1", None),
    ("StringEquals", "sts:RoleSessionName", "x", None),
    ("StringEquals", SUB, "${aws:username}", None),
    ("NumericEquals", SUB, "1", None),
]


@pytest.mark.parametrize(("operator", "key", "values", "holds"), LINES)
def test_a_line_holds_as_iam_says(operator: str, key: str, values: Any, holds: bool | None) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {operator: {key: values}},
    }

    assert applies(statement, attempt_of(TRUST, "a:a")) is holds


def test_one_line_that_fails_outweighs_one_that_is_unknown() -> None:
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "StringEquals": {AUD: "vault"}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": condition}

    assert applies(statement, attempt_of(TRUST, "a:a")) is False


@pytest.mark.parametrize(
    ("principal", "about"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"Federated": "*"}}, True),
        ({"Principal": {"AWS": "*"}}, False),
        ({"NotPrincipal": {"Federated": PROVIDER}}, False),
        ({"NotPrincipal": {"Federated": "accounts.google.com"}}, True),
    ],
)
def test_a_principal_is_meant_or_not(principal: dict[str, Any], about: bool) -> None:
    assert applies({"Effect": "Deny", "Action": "sts:*", **principal}, attempt_of(TRUST, "a:a")) is about
