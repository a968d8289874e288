"""What a task about a role's trust asks for, and what comes of it: policies, providers, what lacks, warnings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import (
    Request,
    TrustState,
    lacking_provider,
    plan_trust,
    with_audience,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import size, token_subject
from support.trust_documents import PROVIDER, TRUST

DAEMON, AGENT = "xray-daemon:xray-daemon", "amazon-cloudwatch:cloudwatch-agent"
AUDIENCES = ("sts.amazonaws.com",)
PRESENT = Request("daemon", "shop", (DAEMON,), "present", create_oidc_provider=False, policy_quota=2048)
ABSENT = replace(PRESENT, state="absent")


def trusting(*subjects: str) -> dict[str, Any]:
    return TRUST.statement("StringEquals", [token_subject(subject) for subject in subjects])


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (replace(PRESENT, subjects=()), "subjects is empty"),
        (replace(ABSENT, subjects=()), "subjects is empty"),
        (replace(PRESENT, subjects=(AGENT, "daemon")), "subjects: 'daemon' is not namespace:service_account"),
    ],
)
def test_request_that_names_nobody_is_refused(request_: Request, message: str) -> None:
    with pytest.raises(DeepobsError, match=message):
        request_.check()


def test_request_may_be_for_nobody_only_where_it_is_exact() -> None:
    replace(PRESENT, subjects=(), state="exact").check()
    PRESENT.check()


def test_policy_may_be_as_long_as_the_quota_and_no_longer() -> None:
    length = size(policy(trusting(DAEMON)))
    assert replace(PRESENT, policy_quota=length).merge({}, TRUST)["Statement"] == [trusting(DAEMON)]
    message = f"would have {length} characters, but policy_quota is {length - 1}. Nothing was written."
    with pytest.raises(DeepobsError, match=message):
        replace(PRESENT, policy_quota=length - 1).merge({}, TRUST)


def test_policy_that_is_too_long_already_may_become_shorter() -> None:
    document = policy(trusting(DAEMON, AGENT))
    assert replace(ABSENT, policy_quota=10).merge(document, TRUST)["Statement"] == [trusting(AGENT)]


def test_role_that_trusts_nobody_yet_comes_to_trust() -> None:
    plan = plan_trust(TrustState(policy(trusting(AGENT)), AUDIENCES), PRESENT, TRUST)
    assert (plan.changed, plan.lacking) == (True, ())
    assert plan.result() == {
        "changed": True,
        "trust_policy": policy(trusting(AGENT, DAEMON)),
        "subjects": [AGENT, DAEMON],
        "oidc_provider_arn": PROVIDER,
        "diff": {
            "before": {
                "trust_policy": policy(trusting(AGENT)),
                "oidc_provider": {"arn": PROVIDER, "audiences": [*AUDIENCES]},
            },
            "after": {
                "trust_policy": policy(trusting(AGENT, DAEMON)),
                "oidc_provider": {"arn": PROVIDER, "audiences": [*AUDIENCES]},
            },
        },
    }


def test_role_that_trusts_already_is_left_alone() -> None:
    assert not plan_trust(TrustState(policy(trusting(DAEMON)), AUDIENCES), PRESENT, TRUST).changed


def test_nothing_is_absent_from_a_role_that_is_not_there() -> None:
    plan = plan_trust(TrustState(None, None), ABSENT, TRUST)
    assert (plan.changed, plan.lacking) == (False, ())
    assert (plan.result()["trust_policy"], plan.result()["subjects"]) == ({}, [])
    assert plan.result()["diff"]["before"] == {"trust_policy": None, "oidc_provider": None}


def test_to_take_trust_away_no_provider_is_needed_or_made() -> None:
    plan = plan_trust(
        TrustState(policy(trusting(DAEMON, AGENT)), None), replace(ABSENT, create_oidc_provider=True), TRUST
    )
    assert (plan.after.audiences, plan.lacking) == (None, ())
    assert plan.result()["subjects"] == [AGENT]


@pytest.mark.parametrize(
    ("document", "audiences", "create", "lacking"),
    [
        ({}, None, True, []),
        ({}, ("vault",), True, []),
        ({}, None, False, ["no OIDC provider"]),
        ({}, ("vault",), False, ["no audience 'sts.amazonaws.com' in OIDC provider"]),
        (None, AUDIENCES, False, ["no IAM role 'daemon'"]),
        (None, None, False, ["no IAM role 'daemon'", "no OIDC provider"]),
    ],
)
def test_what_must_be_there_first_is_named(
    document: dict[str, Any] | None, audiences: tuple[str, ...] | None, create: bool, lacking: list[str]
) -> None:
    request = replace(PRESENT, create_oidc_provider=create)
    found = plan_trust(TrustState(document, audiences), request, TRUST).lacking
    assert [part in sentence for part, sentence in zip(lacking, found, strict=True)] == [True] * len(lacking)


@pytest.mark.parametrize(
    ("audiences", "create", "expected"),
    [
        (None, True, AUDIENCES),
        (("vault",), True, ("vault", *AUDIENCES)),
        (AUDIENCES, True, AUDIENCES),
        (None, False, None),
        (("vault",), False, ("vault",)),
    ],
)
def test_provider_gets_the_audience_only_where_it_may_be_made(
    audiences: tuple[str, ...] | None, create: bool, expected: tuple[str, ...] | None
) -> None:
    assert with_audience(audiences, TRUST, create) == expected


def test_provider_with_the_audience_lacks_nothing() -> None:
    assert [*lacking_provider(("vault", *AUDIENCES), "shop", TRUST)] == []


def test_plan_that_is_done_tells_what_really_stands() -> None:
    plan = plan_trust(TrustState({}, AUDIENCES), PRESENT, TRUST).done(policy(trusting(DAEMON, AGENT)))
    assert plan.result()["subjects"] == [DAEMON, AGENT]
    assert plan.result()["diff"]["after"]["trust_policy"] == policy(trusting(DAEMON, AGENT))


def test_whom_another_statement_still_lets_in_is_warned_of() -> None:
    whole = {"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": "sts:*"}
    current = TrustState(policy(trusting(DAEMON), whole), AUDIENCES)
    (warning,) = plan_trust(current, ABSENT, TRUST).warnings(ABSENT)
    assert f"of the trust policy of role daemon still lets {DAEMON} in" in warning
    assert [*plan_trust(current, PRESENT, TRUST).warnings(PRESENT)] == []


def test_denial_and_other_subjects_are_no_reason_to_warn() -> None:
    denied = {**trusting(DAEMON), "Effect": "Deny"}
    current = TrustState(policy(trusting(DAEMON, AGENT), denied), AUDIENCES)
    assert [*plan_trust(current, ABSENT, TRUST).warnings(ABSENT)] == []
