"""What a role for service accounts should be, from what it is and what a task gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.irsa_roles import (
    Purge,
    Role,
    check_names,
    from_aws,
    plan_role,
)
from ansible_collections.deepobs.eks.plugins.module_utils.trust_plans import Request
from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import Trust, token_subject
from support.trust_documents import ISSUER, OTHER_TRUST, TRUST

DAEMON = "xray-daemon:xray-daemon"
ARN = "arn:aws:iam::123456789012:role/daemon"
WRITES, READS = (f"arn:aws:iam::aws:policy/{name}" for name in ("AWSXRayDaemonWriteAccess", "ReadOnlyAccess"))
PRESENT = Request("daemon", "shop", (DAEMON,), "present", create_oidc_provider=False, policy_quota=2048)
ABSENT = replace(PRESENT, state="absent")
KEEP, PURGE = Purge(policies=False, tags=False), Purge(policies=True, tags=True)
TRUSTING = {
    "Version": "2012-10-17",
    "Statement": [TRUST.statement("StringEquals", [token_subject(DAEMON)])],
}
MIXED = {**TRUSTING, "Statement": [OTHER_TRUST.statement("StringEquals", ["x"]), *TRUSTING["Statement"]]}
READING: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}],
}
READING_TOO = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
THERE = Role(
    name="daemon",
    arn=ARN,
    description="Theirs",
    max_session_duration=7200,
    permissions_boundary=READS,
    managed_policies=(READS,),
    inline_policies={"theirs": READING},
    tags={"theirs": "yes"},
    trust_policy=TRUSTING,
)


def wanted(**given: Any) -> dict[str, Any]:
    """An entry of the module's roles; what is not given is as its argument spec has it."""
    left_out = ("path", "description", "max_session_duration", "permissions_boundary")
    return {
        "name": "daemon",
        **dict.fromkeys(left_out),
        "managed_policies": [],
        "inline_policies": {},
        "tags": {},
        **given,
    }


def planned(current: Role | None, purge: Purge = KEEP, trust: Trust = TRUST, **given: Any) -> Role:
    role = plan_role(current, wanted(**given), PRESENT, trust, purge)
    assert role is not None
    return role


def test_role_is_read_as_iam_describes_it() -> None:
    described = {
        "RoleName": "daemon",
        "Arn": ARN,
        "Path": "/",
        "Description": "Theirs",
        "MaxSessionDuration": 7200,
        "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": READS},
        "Tags": [{"Key": "theirs", "Value": "yes"}],
        "AssumeRolePolicyDocument": TRUSTING,
    }
    assert from_aws(described, [READS], {"theirs": READING}) == THERE


def test_role_that_iam_describes_in_few_words_has_its_defaults() -> None:
    described = {"RoleName": "daemon", "Arn": ARN, "Path": "/", "AssumeRolePolicyDocument": TRUSTING}
    role = from_aws(described, [WRITES, READS], {})
    assert role == Role("daemon", ARN, managed_policies=(WRITES, READS), trust_policy=TRUSTING)
    assert (role.max_session_duration, role.permissions_boundary, role.tags) == (3600, "", {})


def test_role_is_described_with_whom_it_trusts() -> None:
    described = THERE.described(TRUST)
    assert described["subjects"] == [DAEMON]
    assert (described["managed_policies"], described["tags"]) == ([READS], {"theirs": "yes"})


def test_new_role_has_the_arn_that_iam_will_give_it() -> None:
    role = planned(None, path="/team/", tags={"number": 7})
    assert role == Role(
        "daemon",
        "arn:aws:iam::123456789012:role/team/daemon",
        "/team/",
        tags={"number": "7"},
        trust_policy=TRUSTING,
    )
    assert planned(None).arn == ARN


def test_what_is_not_given_stays() -> None:
    assert planned(THERE) == THERE
    assert planned(THERE, path="/") == THERE


@pytest.mark.parametrize(
    "given",
    [{"description": ""}, {"max_session_duration": 3600}, {"permissions_boundary": ""}],
    ids=lambda given: next(iter(given)),
)
def test_what_is_given_is_taken_also_when_it_is_empty(given: dict[str, Any]) -> None:
    assert planned(THERE, **given) == replace(THERE, **given)


def test_what_others_attached_stays_unless_it_is_to_go() -> None:
    given: dict[str, Any] = {
        "managed_policies": [WRITES],
        "inline_policies": {"ours": READING},
        "tags": {"ours": "yes"},
    }
    both = planned(THERE, **given)
    assert both.managed_policies == (WRITES, READS)
    assert [*both.inline_policies] == ["ours", "theirs"]
    assert both.tags == {"theirs": "yes", "ours": "yes"}
    only = planned(THERE, PURGE, **given)
    assert (only.managed_policies, [*only.inline_policies], only.tags) == ((WRITES,), ["ours"], {"ours": "yes"})


def test_inline_policy_that_means_the_same_stays_as_it_is() -> None:
    assert planned(THERE, PURGE, inline_policies={"theirs": READING_TOO}).inline_policies == {"theirs": READING}
    other = {**READING, "Statement": [{**READING["Statement"][0], "Action": "s3:PutObject"}]}
    assert planned(THERE, inline_policies={"theirs": other}).inline_policies == {"theirs": other}


def test_aws_managed_policies_are_those_of_the_clusters_partition() -> None:
    china = Trust(f"arn:aws-cn:iam::123456789012:oidc-provider/{ISSUER}", "sts.amazonaws.com")
    own = "arn:aws-cn:iam::123456789012:policy/own"
    role = planned(None, trust=china, managed_policies=[WRITES, own])
    assert role.arn == "arn:aws-cn:iam::123456789012:role/daemon"
    assert set(role.managed_policies) == {WRITES.replace("aws:iam", "aws-cn:iam"), own}


def test_path_cannot_be_changed() -> None:
    with pytest.raises(DeepobsError, match="Role daemon has path /, which IAM cannot change"):
        planned(THERE, path="/team/")


@pytest.mark.parametrize(
    ("current", "is_there"),
    [(None, False), (THERE, False), (replace(THERE, trust_policy=MIXED), True)],
    ids=["no role", "only ours", "others too"],
)
def test_role_goes_once_nobody_is_left_whom_it_trusts(current: Role | None, is_there: bool) -> None:
    left = plan_role(current, wanted(), ABSENT, TRUST, PURGE)
    assert (left is not None) is is_there
    if left is not None:
        assert left == replace(THERE, trust_policy={**MIXED, "Statement": MIXED["Statement"][:1]})


def test_role_named_twice_is_refused() -> None:
    check_names([wanted(), wanted(name="agent")])
    with pytest.raises(DeepobsError, match="roles: 'daemon' is there twice"):
        check_names([wanted(), wanted(name="agent"), wanted()])
