"""Why a role is not assumed, check by check, and what mends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trust_explanations import (
    Case,
    checks,
    denials,
    nearest_allow,
    trusted_by,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import NOBODY, token_subject
from ansible_collections.deepobs.eks.plugins.module_utils.trust_remedies import remedy_tasks, remedy_words
from support.trust_documents import ISSUER, OTHER_TRUST, PROVIDER, TRUST

DAEMON = "xray-daemon:xray-daemon"
ARN = "arn:aws:iam::123456789012:role/team/daemon"
NOW = 1_000_000.0
CLAIMS = {
    "iss": f"https://{ISSUER}",
    "sub": token_subject(DAEMON),
    "aud": ["sts.amazonaws.com"],
    "exp": NOW + 60,
    "nbf": NOW - 60,
}


def trusting(*subjects: str) -> dict[str, Any]:
    return TRUST.statement("StringEquals", [token_subject(subject) for subject in subjects])


def case(*statements: dict[str, Any], **more: Any) -> Case:
    """A role with a trust policy of these statements, whose provider is registered."""
    whole = Case(
        role="daemon",
        cluster_name="shop",
        subject=DAEMON,
        trust=TRUST,
        found={"Arn": ARN, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)}},
        audiences=("sts.amazonaws.com",),
        claims={},
        now_seconds=NOW,
    )
    return replace(whole, **more)


GOOD = trusting(DAEMON)


def failing(asked: Case) -> dict[str, str]:
    return {check["name"]: check["message"] for check in checks(asked) if check["holds"] is False}


def unknown(asked: Case) -> list[str]:
    return [check["name"] for check in checks(asked) if check["holds"] is None]


def test_nothing_fails_where_everything_holds() -> None:
    asked = case(NOBODY, GOOD, role=ARN, claims=CLAIMS)

    assert (failing(asked), unknown(asked)) == ({}, [])
    assert (remedy_tasks(asked, checks(asked)), remedy_words(checks(asked))) == ([], "")


FAILING = {
    "no role": (case(found={}), "role_exists", "no role daemon"),
    "another account": (
        case(GOOD, role=ARN.replace("123456789012", "210987654321")),
        "account",
        "account 210987654321",
    ),
    "another partition": (case(GOOD, role=ARN.replace("aws", "aws-cn", 1)), "account", "partition aws-cn"),
    "another path": (case(GOOD, role=ARN.replace("team/", "")), "role_arn", f"the role's ARN is {ARN}"),
    "no provider": (case(GOOD, audiences=None), "provider_registered", f"no {PROVIDER}"),
    "another audience": (case(GOOD, audiences=("vault",)), "provider_audience", "accepts vault"),
    "no audience": (case(GOOD, audiences=()), "provider_audience", "accepts none"),
    "a token of another cluster": (case(GOOD, claims={**CLAIMS, "iss": "https://x"}), "token_issuer", "of https://x"),
    "a token of another pod": (case(GOOD, claims={**CLAIMS, "sub": "other"}), "token_subject", "names other"),
    "a token for somebody else": (case(GOOD, claims={**CLAIMS, "aud": "vault"}), "token_audience", "for vault"),
    "an old token": (case(GOOD, claims={**CLAIMS, "exp": NOW - 60}), "token_in_time", "-60 s from now"),
    "a token to come": (case(GOOD, claims={**CLAIMS, "nbf": NOW + 30}), "token_in_time", "begins +30 s from now"),
    "no Allow": (case({**GOOD, "Effect": "Deny"}), "allowed", "no Allow statement"),
    "another subject": (
        case(trusting("a:a")),
        "allowed",
        "wants system:serviceaccount:a:a, not system:serviceaccount:",
    ),
    "a wildcard compared literally": (case(trusting("xray-daemon:*")), "allowed", "StringEquals"),
    "another provider": (case(OTHER_TRUST.statement("StringEquals", [])), "allowed", "Principal wants"),
    "another action": (case({**GOOD, "Action": "sts:AssumeRole"}), "allowed", "Action wants sts:AssumeRole, not"),
    "a deny": (case(GOOD, {**GOOD, "Effect": "Deny", "Sid": "Stop"}), "not_denied", "statement 2 (Stop) denies it"),
}


@pytest.mark.parametrize(("asked", "name", "message"), FAILING.values(), ids=FAILING)
def test_what_fails_is_named(asked: Case, name: str, message: str) -> None:
    assert message in failing(asked)[name]
    assert remedy_tasks(asked, checks(asked)) or remedy_words(checks(asked))


def test_the_nearest_statement_is_one_of_the_provider() -> None:
    wrong_audience = {**GOOD, "Condition": {"StringEquals": {f"{ISSUER}:aud": "vault", f"{ISSUER}:sub": "x"}}}
    nearest = nearest_allow(case(NOBODY, wrong_audience).policy, case().attempt)

    assert nearest is not None
    assert nearest.number == 2
    assert [(line.element, line.holds) for line in nearest.lines] == [
        ("Principal", True),
        ("Action", True),
        (f"StringEquals {ISSUER}:aud", False),
        (f"StringEquals {ISSUER}:sub", False),
    ]


def from_the_office(statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, "Condition": {**statement["Condition"], "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}


def test_what_only_the_request_can_tell_is_not_judged() -> None:
    assert unknown(case(from_the_office(GOOD))) == ["allowed"]
    assert unknown(case(GOOD, from_the_office({**GOOD, "Effect": "Deny"}))) == ["not_denied"]
    assert unknown(case(GOOD, claims={"iss": f"https://{ISSUER}"})) == ["token_in_time"]


def test_a_deny_for_others_is_not_told() -> None:
    assert denials(case(GOOD, {**trusting("a:a"), "Effect": "Deny"}).policy, case().attempt) == []


def test_everyone_who_is_trusted_through_the_cluster_is_listed() -> None:
    whole = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:*"}
    policy = case(NOBODY, trusting("a:a", "b:b"), OTHER_TRUST.statement("StringEquals", ["c"]), whole).policy

    listed = trusted_by(policy, TRUST)

    assert [(one["subject"], one["statement"], one["managed"]) for one in listed] == [
        ("a:a", 2, True),
        ("b:b", 2, True),
        ("*", 4, False),
    ]
    assert listed[0]["other_conditions"] == [f"StringEquals {ISSUER}:aud sts.amazonaws.com"]


def task_of(asked: Case) -> dict[str, Any]:
    """The options of the only task that mends it, with its module."""
    (task,) = remedy_tasks(asked, checks(asked))
    return {key: value for key, value in task.items() if key != "name"}


def test_a_role_that_is_not_there_is_created() -> None:
    role = {"name": "daemon", "subjects": [DAEMON]}

    assert task_of(case(found={}))["deepobs.eks.irsa_role"]["roles"] == [role]
    assert task_of(case(found={}, role=ARN))["deepobs.eks.irsa_role"]["roles"] == [{**role, "path": "/team/"}]


def test_a_provider_that_is_not_there_is_created() -> None:
    vault = replace(TRUST, audience="vault")
    asked = case(GOOD, trust=vault)

    assert task_of(asked)["deepobs.eks.irsa_trust"] == {
        "role_name": "daemon",
        "cluster_name": "shop",
        "subjects": [DAEMON],
        "audience": "vault",
        "create_oidc_provider": True,
    }


def test_a_service_account_with_another_arn_is_annotated() -> None:
    options = task_of(case(GOOD, role=ARN.replace("team/", "")))["kubernetes.core.k8s"]

    assert (options["namespace"], options["name"]) == ("xray-daemon", "xray-daemon")
    assert options["definition"]["metadata"]["annotations"] == {"eks.amazonaws.com/role-arn": ARN}


def test_a_deny_is_left_to_those_who_put_it_there() -> None:
    asked = case(GOOD, {**GOOD, "Effect": "Deny"})

    assert remedy_tasks(asked, checks(asked)) == []
    assert "take the Deny statement out" in remedy_words(checks(asked))
