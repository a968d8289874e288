"""irsa_role against an account: what is made, what is left alone, what is taken away, and by how many calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils import irsa_iam, irsa_role_changes
from support.admin import Admin
from support.clients import Clients
from support.module_cycle import ModuleFailedError, run_cycle, run_module
from support.scenarios import ACCOUNT, CLUSTER
from support.trust import AGENT, DAEMON, THEIRS, create_provider, create_role, policy_of, trust_policy, trusting

WRITES_TRACES = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"

pytestmark = pytest.mark.usefixtures("account")


def daemon(**more: Any) -> dict[str, Any]:
    return {"name": "daemon", "subjects": [DAEMON], "managed_policies": [WRITES_TRACES], **more}


def arguments(*roles: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"cluster_name": CLUSTER, "roles": list(roles), "create_oidc_provider": True, **more}


def operations(admin: Admin) -> list[str]:
    return [call["operation"] for call in admin.calls()]


def test_a_role_is_created_with_its_trust(aws: Clients, admin: Admin) -> None:
    cycle = run_cycle("irsa_role", arguments(daemon(path="/team/", tags={"team": 7}, description="Sends traces")))

    role = cycle.done["roles"][0]
    assert (
        role["arn"] == aws.iam.get_role(RoleName="daemon")["Role"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/daemon"
    )
    assert trust_policy(aws, "daemon") == role["trust_policy"] == policy_of(trusting(aws, DAEMON))
    assert (role["subjects"], role["tags"], role["description"]) == ([DAEMON], {"team": "7"}, "Sends traces")
    assert "UpdateAssumeRolePolicy" not in operations(admin)


def test_the_second_run_makes_two_calls_and_two_a_role(admin: Admin) -> None:
    wanted = arguments(daemon(), {"name": "agent", "subjects": [AGENT]})
    run_module("irsa_role", wanted)
    admin.forget_calls()

    assert not run_module("irsa_role", wanted)["changed"]
    assert sorted(operations(admin)) == [
        "DescribeCluster",
        "GetOpenIDConnectProvider",
        *["GetRole"] * 2,
        *["ListAttachedRolePolicies"] * 2,
    ]


def test_what_others_put_into_a_role_stays(aws: Clients) -> None:
    create_role(aws, "daemon", THEIRS, Description="Theirs", Tags=[{"Key": "theirs", "Value": "yes"}])
    aws.iam.attach_role_policy(RoleName="daemon", PolicyArn=READ_ONLY)

    role = run_module("irsa_role", arguments(daemon(tags={"ours": "yes"})))["roles"][0]

    assert role["managed_policies"] == [WRITES_TRACES, READ_ONLY]
    assert role["tags"] == {"theirs": "yes", "ours": "yes"}
    assert role["description"] == "Theirs"
    assert trust_policy(aws, "daemon") == policy_of(THEIRS, trusting(aws, DAEMON))


def test_purging_takes_what_is_not_named(aws: Clients) -> None:
    create_role(aws, "daemon", THEIRS, Tags=[{"Key": "theirs", "Value": "yes"}])
    aws.iam.attach_role_policy(RoleName="daemon", PolicyArn=READ_ONLY)
    stale = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    aws.iam.put_role_policy(RoleName="daemon", PolicyName="stale", PolicyDocument=json.dumps(stale))

    wanted = arguments(daemon(tags={"ours": "yes"}), purge_policies=True, purge_tags=True)
    role = run_cycle("irsa_role", wanted).done["roles"][0]

    assert (role["managed_policies"], role["inline_policies"], role["tags"]) == ([WRITES_TRACES], {}, {"ours": "yes"})
    assert aws.iam.list_role_policies(RoleName="daemon")["PolicyNames"] == []


def test_what_a_role_is_for_and_how_far_it_goes_can_change(aws: Clients) -> None:
    run_module("irsa_role", arguments(daemon(permissions_boundary=READ_ONLY)))

    for change in ({"description": "New"}, {"max_session_duration": 7200}, {"permissions_boundary": ""}):
        role = run_cycle("irsa_role", arguments(daemon(**change))).done["roles"][0]
        assert {key: role[key] for key in change} == change
    bounded = run_module("irsa_role", arguments(daemon(permissions_boundary=READ_ONLY)))["roles"][0]
    assert (bounded["description"], bounded["max_session_duration"], bounded["permissions_boundary"]) == (
        "New",
        7200,
        READ_ONLY,
    )


def test_an_inline_policy_that_means_the_same_stays(aws: Clients) -> None:
    statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["*"]}
    same = {"Version": "2012-10-17", "Statement": [{**statement, "Action": "s3:GetObject", "Resource": "*"}]}
    other = {"Version": "2012-10-17", "Statement": [{**statement, "Action": "s3:PutObject"}]}
    first = daemon(inline_policies={"settings": {"Version": "2012-10-17", "Statement": [statement]}})
    run_module("irsa_role", arguments(first))

    assert not run_module("irsa_role", arguments(daemon(inline_policies={"settings": same})))["changed"]
    assert run_module("irsa_role", arguments(daemon(inline_policies={"settings": other})))["changed"]


def test_a_role_that_trusts_others_too_stays_with_its_policies(aws: Clients) -> None:
    run_module("irsa_role", arguments(daemon()))
    aws.iam.update_assume_role_policy(
        RoleName="daemon", PolicyDocument=json.dumps(policy_of(THEIRS, trusting(aws, DAEMON, "theirs:theirs")))
    )

    left = run_cycle("irsa_role", arguments(daemon(), state="absent")).done["roles"]

    assert [(role["name"], role["subjects"]) for role in left] == [("daemon", ["theirs:theirs"])]
    assert left[0]["managed_policies"] == [WRITES_TRACES]


def test_a_role_that_trusts_nobody_else_goes_with_all_that_it_has(admin: Admin) -> None:
    reads = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    run_module("irsa_role", arguments(daemon(inline_policies={"settings": reads})))

    assert run_cycle("irsa_role", arguments(daemon(), state="absent")).done["roles"] == []
    assert admin.state()["iam"]["roles"] == {}


def test_roles_that_are_not_there_are_absent() -> None:
    gone = run_module("irsa_role", arguments(daemon(), state="absent"))

    assert (gone["changed"], gone["roles"]) == (False, [])


def between(monkeypatch: pytest.MonkeyPatch, what: Callable[[], None]) -> None:
    """Lets others do something just before the role is read again."""
    read = irsa_iam.read_role
    looks = iter([lambda: None, what])

    def read_later(*arguments: Any) -> Any:
        next(looks, lambda: None)()
        return read(*arguments)

    monkeypatch.setattr(irsa_role_changes, "read_role", read_later)


def test_a_role_that_somebody_comes_to_use_meanwhile_stays(aws: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    run_module("irsa_role", arguments(daemon()))
    mixed = json.dumps(policy_of(trusting(aws, DAEMON), THEIRS))
    between(monkeypatch, lambda: aws.iam.update_assume_role_policy(RoleName="daemon", PolicyDocument=mixed))

    left = run_module("irsa_role", arguments(daemon(), state="absent"))["roles"]

    assert [role["name"] for role in left] == ["daemon"]
    assert trust_policy(aws, "daemon") == policy_of(THEIRS)


def test_a_role_that_somebody_deletes_meanwhile_is_gone(aws: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    create_role(aws, "daemon", trusting(aws, DAEMON))
    between(monkeypatch, lambda: aws.iam.delete_role(RoleName="daemon"))

    assert run_module("irsa_role", arguments(daemon(), state="absent"))["roles"] == []


def test_a_role_that_somebody_creates_meanwhile_is_completed(aws: Clients, admin: Admin) -> None:
    create_provider(aws)
    exists = {"code": "EntityAlreadyExists", "message": "Role with name daemon already exists.", "status": 409}
    create_role(aws, "daemon", THEIRS)
    with admin.faults(
        {"operation": "GetRole", "times": 1, "error": {"code": "NoSuchEntity", "status": 404}},
        {"operation": "CreateRole", "times": 1, "error": exists},
    ):
        role = run_module("irsa_role", arguments(daemon()))["roles"][0]

    assert role["managed_policies"] == [WRITES_TRACES]
    assert trust_policy(aws, "daemon") == policy_of(THEIRS, trusting(aws, DAEMON))


def test_a_role_that_comes_and_goes_is_told(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(irsa_iam, "CONSISTENT_WITHIN_SECONDS", 0)
    exists = {"code": "EntityAlreadyExists", "message": "Role with name daemon already exists.", "status": 409}
    with (
        admin.faults({"operation": "CreateRole", "error": exists}),
        pytest.raises(ModuleFailedError, match="was deleted while its trust policy was being changed"),
    ):
        run_module("irsa_role", arguments(daemon()))


def test_a_failure_tells_of_the_roles_that_were_changed_before_it(aws: Clients, admin: Admin) -> None:
    create_provider(aws)
    agent = {"name": "agent", "subjects": [AGENT]}
    full = {"code": "LimitExceeded", "message": "Cannot exceed quota for RolesPerAccount: 1000.", "status": 409}
    with (
        admin.faults({"operation": "CreateRole", "skip": 1, "error": full}),
        pytest.raises(ModuleFailedError, match="Failed to create role daemon") as failed,
    ):
        run_module("irsa_role", arguments(agent, daemon()))

    assert [role["name"] for role in failed.value.result["roles"]] == ["agent"]
    assert failed.value.result["changed"]
    assert [role["name"] for role in run_module("irsa_role", arguments(agent, daemon()))["roles"]] == [
        "agent",
        "daemon",
    ]


def test_aws_managed_policies_are_those_of_the_accounts_partition() -> None:
    china = WRITES_TRACES.replace("arn:aws:", "arn:aws-cn:")

    assert run_module("irsa_role", arguments(daemon(managed_policies=[china])))["roles"][0]["managed_policies"] == [
        WRITES_TRACES
    ]


REFUSED = {
    "a missing provider": ({"create_oidc_provider": False}, {}, "no OIDC provider .*create_oidc_provider"),
    "a malformed subject": ({}, {"subjects": ["daemon"]}, "'daemon' is not namespace:service_account"),
    "a trust that is too long": (
        {},
        {"subjects": [f"namespace-{number}:service-account" for number in range(60)]},
        r"would have \d{4} characters, but policy_quota is 2048",
    ),
}


@pytest.mark.parametrize(("options", "role", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused_before_the_first_role_is_made(
    admin: Admin, options: dict[str, Any], role: dict[str, Any], message: str
) -> None:
    before = admin.state()

    with pytest.raises(ModuleFailedError, match=message):
        run_module("irsa_role", arguments({"name": "agent", "subjects": [AGENT]}, daemon(**role), **options))
    assert admin.state() == before


def test_a_role_named_twice_is_refused() -> None:
    with pytest.raises(ModuleFailedError, match="'daemon' is there twice"):
        run_module("irsa_role", arguments(daemon(), daemon()))


def test_another_path_is_refused(aws: Clients) -> None:
    create_role(aws, "daemon", THEIRS)

    with pytest.raises(ModuleFailedError, match="has path /, which IAM cannot change"):
        run_module("irsa_role", arguments(daemon(path="/team/")))
