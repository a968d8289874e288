"""The AWS side by itself: roles of one's own or shared, what others put there, and a teardown that takes no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accounts import account, client
from support.playbooks import Platform, Played, process_platform

DAEMON = "system:serviceaccount:xray-daemon:xray-daemon"
AGENT = "system:serviceaccount:amazon-cloudwatch:cloudwatch-agent"
FOREIGN = {
    "Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Sid": "Theirs",
}


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    with process_platform("aws") as mine:
        assert mine.play("preflight").return_code == 0
        yield mine


def trust(platform: Platform, role: str) -> list[dict[str, Any]]:
    """The statements of a role's trust policy."""
    document = client(platform, "iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


def unwrapped(played: Played) -> str:
    """What a playbook printed, without the line breaks that YAML puts into long messages."""
    return " ".join(played.output.split())


def test_each_service_account_has_a_role_of_its_own_with_one_policy(own: Platform) -> None:
    played = own.play("observability")
    assert played.return_code == 0, played.output
    for role, subject, policy in (
        ("deepobs-local-cloudwatch-agent", AGENT, "CloudWatchAgentServerPolicy"),
        ("deepobs-local-xray-daemon", DAEMON, "AWSXRayDaemonWriteAccess"),
    ):
        assert subject in json.dumps(trust(own, role))
        attached = client(own, "iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert [entry["PolicyName"] for entry in attached] == [policy]


def test_what_others_put_into_a_trust_policy_stays(own: Platform) -> None:
    role = "deepobs-local-xray-daemon"
    mixed = {"Version": "2012-10-17", "Statement": [FOREIGN, *trust(own, role)]}
    client(own, "iam").update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(mixed))
    played = own.play("observability")
    assert played.return_code == 0, played.output
    assert played.changed() == []
    assert trust(own, role) == mixed["Statement"]


def test_teardown_takes_away_what_was_made_and_nothing_else(own: Platform) -> None:
    played = own.play("teardown", "--skip-tags", "local_environment")
    assert played.return_code == 0, played.output
    after = account(own)
    assert list(after["iam"]["roles"]) == ["deepobs-local-xray-daemon"], "the role that others use too stays"
    assert trust(own, "deepobs-local-xray-daemon") == [FOREIGN]
    assert after["xray"] == {}
    assert client(own, "eks").list_addons(clusterName="deepobs-local")["addons"] == []
    assert own.play("teardown", "--skip-tags", "local_environment").changed() == []


def test_shared_role_takes_every_service_account_and_policy(own: Platform) -> None:
    for playbook in ("preflight", "observability"):
        played = own.play(playbook, irsa_shared_role_name="shared")
        assert played.return_code == 0, played.output
    assert all(subject in json.dumps(trust(own, "shared")) for subject in (AGENT, DAEMON))
    attached = client(own, "iam").list_attached_role_policies(RoleName="shared")["AttachedPolicies"]
    assert {entry["PolicyName"] for entry in attached} == {"CloudWatchAgentServerPolicy", "AWSXRayDaemonWriteAccess"}
    addon = client(own, "eks").describe_addon(clusterName="deepobs-local", addonName="amazon-cloudwatch-observability")[
        "addon"
    ]
    assert addon["serviceAccountRoleArn"].endswith(":role/shared")


def test_kubernetes_gets_the_side_of_aws_and_names_the_cluster_that_is_missing(own: Platform, tmp_path: Path) -> None:
    nowhere = {"deepobs_platform": "kubernetes", "deepobs_kubeconfig": str(tmp_path / "nowhere")}
    played = own.play("observability", irsa_shared_role_name="shared", **nowhere)
    assert played.return_code != 0
    assert "Failed to find a cluster" in unwrapped(played)
    assert "Give kubeconfig and context" in unwrapped(played)
    refused = own.play("applications", **nowhere)
    assert refused.return_code != 0
    assert "set deepobs_platform to process" in unwrapped(refused)
    removed = own.play("teardown", "--skip-tags", "local_environment,xray_daemon", **nowhere)
    assert removed.return_code == 0, removed.output
