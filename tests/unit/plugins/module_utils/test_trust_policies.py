"""Merging service accounts into trust policies: nobody is lost, nobody is let in unasked, nothing else is touched."""

from __future__ import annotations

import fnmatch
import json
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import (
    NOBODY,
    Trust,
    is_subject,
    merged,
    size,
    trusted_subjects,
)
from hypothesis import given
from hypothesis import strategies as st

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
TRUST = Trust(PROVIDER, "sts.amazonaws.com")
OTHER_TRUST = Trust(PROVIDER.replace("0123", "FEDC"), "sts.amazonaws.com")
DAEMON = "xray-daemon:xray-daemon"
AGENT = "amazon-cloudwatch:cloudwatch-agent"


def statement(operator: str = "StringEquals", *subjects: str, trust: Trust = TRUST) -> dict[str, Any]:
    return trust.statement(operator, [f"system:serviceaccount:{subject}" for subject in subjects])


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def condition_of(changed: dict[str, Any], **condition: Any) -> dict[str, Any]:
    return {**changed, "Condition": {**changed["Condition"], **condition}}


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
    "a condition that is no object": {**statement("StringEquals", "a:a"), "Condition": "none"},
}


def allows(document: dict[str, Any], subject: str) -> bool:
    """Whether IAM lets a service account with this trust's audience in: an own, independent reading of the policy."""
    return any(_statement_allows(one, f"system:serviceaccount:{subject}") for one in document.get("Statement", []))


def _statement_allows(one: dict[str, Any], subject: str) -> bool:
    principal = one.get("Principal", {})
    federated = principal.get("Federated", [])
    if one["Effect"] != "Allow" or PROVIDER not in (federated if isinstance(federated, list) else [federated]):
        return False
    token = {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
    return isinstance(one["Condition"], dict) and all(
        _condition_holds(operator, token.get(key, ""), values)
        for operator, compared in one["Condition"].items()
        for key, values in compared.items()
    )


def _condition_holds(operator: str, actual: str, values: Any) -> bool:
    listed = values if isinstance(values, list) else [values]
    if operator == "StringLike":
        return any(fnmatch.fnmatchcase(actual, value.replace("[", "[[]")) for value in listed)
    return operator == "StringEquals" and actual in listed


names = st.sampled_from(["a", "b", "c"])
literals = st.builds("{}:{}".format, names, names)
wildcards = st.builds("{}:{}".format, names, st.sampled_from(["*", "a*", "?"]))
subjects = st.one_of(literals, wildcards)
own_statements = st.builds(
    lambda operator, listed, sid: {**sid, **statement(operator, *listed)},
    st.sampled_from(["StringEquals", "StringLike"]),
    st.lists(literals, min_size=1, max_size=3, unique=True),
    st.sampled_from([{}, {"Sid": "Ours"}]),
)
documents = st.builds(
    lambda statements: policy(*deepcopy(statements)),
    st.lists(st.one_of(own_statements, st.sampled_from(list(FOREIGN.values()))), min_size=1, max_size=5),
)
EVERY_LITERAL = [f"{namespace}:{name}" for namespace in "abc" for name in "abc"]


def allowed(document: dict[str, Any]) -> set[str]:
    return {subject for subject in EVERY_LITERAL if allows(document, subject)}


def foreign(document: dict[str, Any]) -> list[str]:
    return [json.dumps(one) for one in document["Statement"] if not TRUST.operator_of(one) and one != NOBODY]


def meaning(document: dict[str, Any]) -> tuple[list[str], set[tuple[str, str]]]:
    return foreign(document), {
        (TRUST.operator_of(one), subject) for one in document["Statement"] for subject in TRUST.subjects_of(one)
    }


@given(documents, st.lists(subjects, min_size=1, max_size=3))
def test_present_lets_in_whom_was_asked_for_and_nobody_else(document: dict[str, Any], asked: list[str]) -> None:
    asked_for = {one for one in EVERY_LITERAL for pattern in asked if fnmatch.fnmatchcase(one, pattern)}

    assert allowed(merged(document, TRUST, asked, "present")) == allowed(document) | asked_for


@given(documents, st.lists(subjects, max_size=3), st.sampled_from(["present", "absent", "exact"]))
def test_no_other_statement_is_changed_lost_or_moved(document: dict[str, Any], asked: list[str], state: str) -> None:
    assert foreign(merged(document, TRUST, asked, state)) == foreign(document)


@given(documents, st.lists(subjects, max_size=3), st.sampled_from(["present", "absent", "exact"]))
def test_twice_is_once(document: dict[str, Any], asked: list[str], state: str) -> None:
    once = merged(document, TRUST, asked, state)

    assert merged(once, TRUST, asked, state) == once


@given(documents, st.lists(subjects, max_size=3), st.sampled_from(["present", "absent", "exact"]))
def test_the_given_document_is_left_alone(document: dict[str, Any], asked: list[str], state: str) -> None:
    before = deepcopy(document)

    merged(document, TRUST, asked, state)

    assert document == before


@given(documents, st.permutations(["a:b", "b:*", "c:c"]))
def test_the_order_of_merging_does_not_matter(document: dict[str, Any], order: list[str]) -> None:
    one_by_one = document
    for subject in order:
        one_by_one = merged(one_by_one, TRUST, [subject], "present")

    assert meaning(one_by_one) == meaning(merged(document, TRUST, ["a:b", "b:*", "c:c"], "present"))


@given(documents, st.lists(literals, min_size=1, max_size=3, unique=True))
def test_absent_takes_out_whom_was_named_and_nobody_else(document: dict[str, Any], named: list[str]) -> None:
    left = merged(document, TRUST, named, "absent")

    assert set(trusted_subjects(left, TRUST)) == set(trusted_subjects(document, TRUST)) - set(named)


@given(documents, st.lists(literals, max_size=3, unique=True))
def test_exact_leaves_those_named(document: dict[str, Any], named: list[str]) -> None:
    assert set(trusted_subjects(merged(document, TRUST, named, "exact"), TRUST)) == set(named)


@given(documents, st.lists(literals, max_size=3), st.sampled_from(["present", "absent", "exact"]))
def test_a_policy_always_has_a_statement(document: dict[str, Any], named: list[str], state: str) -> None:
    assert merged(document, TRUST, named, state)["Statement"]


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

    assert allows(document, "monitoring:grafana")


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
