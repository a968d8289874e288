"""Which statements of a trust policy fit, in which forms, and what merging makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import (
    NOBODY,
    Trust,
    is_subject,
    merged,
    size,
    trusted_subjects,
    trusts_nobody,
)

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
TRUST = Trust(PROVIDER, "sts.amazonaws.com")
OTHER_TRUST = Trust(PROVIDER.replace("0123", "FEDC"), "sts.amazonaws.com")
DAEMON = "xray-daemon:xray-daemon"
SUB = "system:serviceaccount:"
AGENT = "amazon-cloudwatch:cloudwatch-agent"


def statement(operator: str = "StringEquals", *subjects: str, trust: Trust = TRUST) -> dict[str, Any]:
    return trust.statement(operator, [f"system:serviceaccount:{subject}" for subject in subjects])


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def condition_of(changed: dict[str, Any], **condition: Any) -> dict[str, Any]:
    return {**changed, "Condition": {**changed["Condition"], **condition}}


def condition_named(operator: str) -> dict[str, Any]:
    """A statement that compares the subject by this operator."""
    audience = {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}}
    return {
        **statement("StringEquals"),
        "Condition": {**audience, operator: {f"{ISSUER}:sub": ["system:serviceaccount:a:a"]}},
    }


WITHOUT_SUBJECTS = {**statement(), "Condition": {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}}}
WITHOUT_AUDIENCE = {
    **statement(),
    "Condition": {"StringEquals": {f"{ISSUER}:sub": ["system:serviceaccount:a:a"]}},
}
FOREIGN = {
    "another provider": statement("StringEquals", "a:a", trust=OTHER_TRUST),
    "another audience": statement("StringEquals", "a:a", trust=Trust(PROVIDER, "elsewhere")),
    "another condition": condition_of(statement("StringEquals", "a:a"), IpAddress={"aws:SourceIp": "10.0.0.0/8"}),
    "both operators": condition_of(
        statement("StringEquals", "a:a"), StringLike={f"{ISSUER}:sub": ["system:serviceaccount:a:*"]}
    ),
    "no audience": WITHOUT_AUDIENCE,
    "no subjects": WITHOUT_SUBJECTS,
    "two providers": {
        **statement("StringEquals", "a:a"),
        "Principal": {"Federated": [PROVIDER, OTHER_TRUST.provider_arn]},
    },
    "two actions": {
        **statement("StringEquals", "a:a"),
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
    },
    "a deny": {**statement("StringEquals", "a:a"), "Effect": "Deny"},
    "no principal": {key: value for key, value in statement("StringEquals", "a:a").items() if key != "Principal"},
    "another service": {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    },
    "a wildcard for the audience": statement("StringLike", "a:a", trust=Trust(PROVIDER, "sts.*")),
    "for all values, which holds for a token without subject": condition_named("ForAllValues:StringEquals"),
    "if it exists": condition_named("StringEqualsIfExists"),
    "all but these": condition_named("StringNotEquals"),
    "another provider in another case": {
        **statement("StringEquals", "a:a"),
        "Principal": {"Federated": PROVIDER.replace("ABCDEF", "abcdef")},
    },
}


@pytest.mark.parametrize("other", FOREIGN.values(), ids=FOREIGN)
def test_a_statement_that_does_not_fit_gets_no_subject(other: dict[str, Any]) -> None:
    document = merged(policy(other), TRUST, [DAEMON], "present")

    assert document["Statement"] == [other, statement("StringEquals", DAEMON)]


def test_a_literal_subject_is_compared_literally() -> None:
    document = merged({}, TRUST, [DAEMON, AGENT], "present")

    assert document == policy(statement("StringEquals", DAEMON, AGENT))


def test_a_wildcard_gets_a_statement_of_its_own() -> None:
    document = merged(policy(statement("StringEquals", DAEMON)), TRUST, ["monitoring:*"], "present")

    assert document["Statement"] == [statement("StringEquals", DAEMON), statement("StringLike", "monitoring:*")]


def test_a_wildcard_compared_literally_is_not_there_yet() -> None:
    document = merged(policy(statement("StringEquals", "monitoring:*")), TRUST, ["monitoring:*"], "present")

    assert document["Statement"][1:] == [statement("StringLike", "monitoring:*")]


def test_a_literal_subject_under_string_like_is_there() -> None:
    document = policy(statement("StringLike", DAEMON))

    assert merged(document, TRUST, [DAEMON], "present") == document


def test_a_single_text_is_read_as_a_list_of_one() -> None:
    single = statement("StringEquals")
    single["Condition"]["StringEquals"][f"{ISSUER}:sub"] = f"system:serviceaccount:{DAEMON}"
    single["Action"] = ["sts:AssumeRoleWithWebIdentity"]
    single["Principal"] = {"Federated": [PROVIDER]}

    assert trusted_subjects({"Statement": single}, TRUST) == [DAEMON]
    assert trusted_subjects(merged({"Statement": single}, TRUST, [AGENT], "present"), TRUST) == [DAEMON, AGENT]


def test_the_last_one_taken_out_leaves_nobody() -> None:
    document = merged(policy(statement("StringEquals", DAEMON)), TRUST, [DAEMON], "absent")

    assert document == policy(NOBODY)
    assert merged(document, TRUST, [DAEMON], "present") == policy(statement("StringEquals", DAEMON))


def test_exact_keeps_the_statement_it_replaces_subjects_in() -> None:
    document = policy({"Sid": "Daemon", **statement("StringEquals", AGENT)}, FOREIGN["another service"])

    changed = merged(document, TRUST, [DAEMON], "exact")

    assert changed == policy({"Sid": "Daemon", **statement("StringEquals", DAEMON)}, FOREIGN["another service"])


def as_spelled(operator: str, audience_key: str, subject_key: str, values: Any) -> dict[str, Any]:
    """A statement in a form of its own."""
    condition: dict[str, Any] = {}
    condition.setdefault(operator, {})[audience_key] = "sts.amazonaws.com"
    condition.setdefault(operator, {})[subject_key] = values
    return {**statement("StringEquals"), "Condition": condition}


SPELLED = {
    "StringLike without wildcards": as_spelled("StringLike", f"{ISSUER}:aud", f"{ISSUER}:sub", [f"{SUB}{DAEMON}"]),
    "ForAnyValue": as_spelled("ForAnyValue:StringEquals", f"{ISSUER}:aud", f"{ISSUER}:sub", f"{SUB}{DAEMON}"),
    "keys in another case": as_spelled(
        "StringEquals", f"{ISSUER.upper()}:AUD", f"{ISSUER.lower()}:Sub", [f"{SUB}{DAEMON}"]
    ),
    "the action in another case": {**statement("StringEquals", DAEMON), "Action": "sts:assumerolewithwebidentity"},
}


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
def test_every_form_of_the_statement_fits(spelled: dict[str, Any]) -> None:
    document = policy(spelled, FOREIGN["another service"])

    assert trusted_subjects(document, TRUST) == [DAEMON]
    assert merged(document, TRUST, [DAEMON], "present") == document
    assert merged(document, TRUST, [DAEMON], "absent") == policy(FOREIGN["another service"])


def test_a_subject_is_added_under_the_key_as_it_is_spelled_there() -> None:
    document = merged(policy(SPELLED["keys in another case"]), TRUST, [AGENT], "present")

    spelled = document["Statement"][0]["Condition"]["StringEquals"]
    assert spelled[f"{ISSUER.lower()}:Sub"] == [f"{SUB}{DAEMON}", f"{SUB}{AGENT}"]
    assert len(document["Statement"]) == 1


def test_a_literal_is_not_put_where_wildcards_count() -> None:
    document = merged(policy(statement("StringLike", "monitoring:*")), TRUST, [DAEMON], "present")

    assert document == policy(statement("StringLike", "monitoring:*"), statement("StringEquals", DAEMON))


def test_a_subject_without_the_prefix_of_service_accounts_is_another_one() -> None:
    bare = TRUST.statement("StringEquals", [DAEMON])
    document = merged(policy(bare), TRUST, [DAEMON], "present")

    assert document["Statement"][0]["Condition"]["StringEquals"][f"{ISSUER}:sub"] == [DAEMON, f"{SUB}{DAEMON}"]
    assert merged(document, TRUST, [DAEMON], "absent") == policy(bare)


def test_a_version_that_is_not_there_is_not_added_as_it_would_turn_texts_into_variables() -> None:
    assert "Version" not in merged({"Statement": [statement("StringEquals", AGENT)]}, TRUST, [DAEMON], "present")


def test_nobody_is_who_a_policy_trusts_when_all_have_gone() -> None:
    gone = merged(policy(statement("StringEquals", DAEMON)), TRUST, [DAEMON], "absent")

    assert trusts_nobody(gone)
    assert not trusts_nobody(policy(NOBODY, FOREIGN["another service"]))


def test_size_does_not_count_white_space() -> None:
    assert size({"a": "b c", "d": [1, 2]}) == len('{"a":"bc","d":[1,2]}')


@pytest.mark.parametrize("text", ["a:b", "kube-system:aws-node", "*:*", "monitoring:graf?na", "a:b.c"])
def test_namespace_and_service_account_are_a_subject(text: str) -> None:
    assert is_subject(text)


@pytest.mark.parametrize(
    "text", ["", "a", "a:", ":b", "a:b:c", "system:serviceaccount:a:b", "A:b", "a/b", "a:b ", "-a:b"]
)
def test_anything_else_is_no_subject(text: str) -> None:
    assert not is_subject(text)


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_the_issuer_comes_from_the_provider_of_any_partition(partition: str) -> None:
    assert Trust(f"arn:{partition}:iam::1:oidc-provider/{ISSUER}", "x").issuer == ISSUER
