"""Trust policies as Pod Identity would find them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.pod_identity_trust import (
    TRUST_STATEMENT,
    known_context,
    untrusted_actions,
)

CLUSTER = "arn:aws:eks:eu-west-1:123456789012:cluster/shop"
BOTH = ["sts:AssumeRole", "sts:TagSession"]
NAMESPACE, ACCOUNT_OF_PODS = "aws:RequestTag/kubernetes-namespace", "aws:SourceAccount"


def missing(*statements: dict[str, Any]) -> list[str]:
    """What a policy with these statements does not let the pods of agents/daemon do."""
    return untrusted_actions({"Statement": list(statements)}, known_context(CLUSTER, "agents", "daemon"))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({}, []),
        ({"Action": "sts:AssumeRole"}, ["sts:TagSession"]),
        ({"Action": ["sts:tagsession"]}, ["sts:AssumeRole"]),
        ({"Action": "sts:*"}, []),
        ({"Action": "sts:AssumeRoleWithWebIdentity"}, BOTH),
        ({"Principal": {"Service": ["ec2.amazonaws.com", "pods.eks.amazonaws.com"]}}, []),
        ({"Principal": {"Service": "eks.amazonaws.com"}}, BOTH),
        ({"Principal": {"AWS": "123456789012"}}, BOTH),
        ({"Principal": "*"}, []),
        ({"Effect": "Deny"}, BOTH),
        ({"Condition": {"StringEquals": {NAMESPACE: "agents"}}}, []),
        ({"Condition": {"StringEquals": {NAMESPACE.upper(): ["shop", "agents"]}}}, []),
        ({"Condition": {"StringEquals": {NAMESPACE: "agent*"}}}, BOTH),
        ({"Condition": {"StringLike": {NAMESPACE: "agent*"}}}, []),
        ({"Condition": {"ForAnyValue:StringEqualsIfExists": {NAMESPACE: "shop"}}}, BOTH),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:eks:*:123456789012:cluster/sho?"}}}, []),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:eks:eu-west-1:123456789012:cluster/other"}}}, BOTH),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, []),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, []),
    ],
)
def test_statement_lets_pod_identity_do_what_it_says(statement: dict[str, Any], expected: list[str]) -> None:
    assert missing({**TRUST_STATEMENT, **statement}) == expected


def test_two_statements_may_do_it_together() -> None:
    assert missing({**TRUST_STATEMENT, "Action": BOTH[0]}, {**TRUST_STATEMENT, "Action": BOTH[1]}) == []


def test_denial_wins_unless_only_sts_can_tell() -> None:
    denial = {**TRUST_STATEMENT, "Effect": "Deny", "Action": "sts:TagSession"}
    assert missing(TRUST_STATEMENT, denial) == ["sts:TagSession"]
    conditional = {**denial, "Condition": {"StringNotEquals": {ACCOUNT_OF_PODS: "123456789012"}}}
    assert missing(TRUST_STATEMENT, conditional) == []


def test_policy_without_statements_trusts_nobody() -> None:
    assert untrusted_actions({}, {}) == BOTH
