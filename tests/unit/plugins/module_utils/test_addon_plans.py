"""What is planned for an add-on, and the calls that come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import (
    Desired,
    change,
    choose_version,
    creation,
    plan_addon,
)
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Release, parse_configuration
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

ROLE = "arn:aws:iam::123456789012:role/agent"
RELEASES = [Release(version, version == "v2", "eks", "aws") for version in ("v10", "v3", "v2", "v1")]
DESIRED = Desired(
    cluster_name="shop",
    name="coredns",
    present=True,
    version=None,
    configuration=None,
    service_account_role_arn=None,
    pod_identity_associations=None,
    tags=None,
    purge_tags=True,
    resolve_conflicts="overwrite",
    preserve=False,
)
ASSOCIATIONS = [{"service_account": name, "role_arn": ROLE} for name in ("a", "b")]


def addon(**changes: Any) -> dict[str, Any]:
    created = plan_addon(None, DESIRED, "v2", RELEASES).after or {}
    return {**created, "addon_arn": "arn", **changes}


@pytest.mark.parametrize(
    ("asked", "current", "chosen"),
    [
        (None, "", "v2"),
        (None, "v1", "v1"),
        ("default", "v1", "v2"),
        ("latest", "v1", "v10"),
        ("v3", "v1", "v3"),
        ("v0", "v0", "v0"),
    ],
)
def test_a_version_is_chosen(asked: str | None, current: str, chosen: str) -> None:
    assert choose_version(asked, current, RELEASES) == chosen


def test_a_version_that_is_not_offered_is_refused_with_those_that_are() -> None:
    with pytest.raises(DeepobsError, match=r"'v4' is none .* There are: v10, v3, v2, v1"):
        choose_version("v4", "v1", RELEASES)


def test_versions_are_ordered_as_numbers() -> None:
    newer, older = (Release(version, False, "", "") for version in ("v1.10.0-eksbuild.2", "v1.9.3-eksbuild.10"))

    assert newer.precedence > older.precedence


@pytest.mark.parametrize("status", ["ACTIVE", "DEGRADED", "CREATING", "UPDATING"])
def test_an_addon_as_desired_is_left_alone(status: str) -> None:
    present = addon(status=status)
    plan = plan_addon(present, DESIRED, "v2")

    assert (plan.changed, plan.after) == (False, present)


def test_the_order_of_associations_does_not_matter() -> None:
    desired = replace(DESIRED, pod_identity_associations=ASSOCIATIONS[::-1])

    assert not plan_addon(addon(pod_identity_associations=ASSOCIATIONS), desired, "v2").changed


def test_tags_of_aws_itself_are_not_purged() -> None:
    plan = plan_addon(addon(tags={"aws:owner": "x", "old": "y"}), replace(DESIRED, tags={"new": "z"}), "v2")

    assert (plan.action, plan.tags_to_set, plan.tags_to_remove) == ("", {"new": "z"}, ["old"])


def test_a_role_takes_the_place_of_associations() -> None:
    present = addon(pod_identity_associations=ASSOCIATIONS)
    desired = replace(DESIRED, service_account_role_arn=ROLE)

    parameters = change(plan_addon(present, desired, "v2"), desired)

    assert (parameters["podIdentityAssociations"], parameters["serviceAccountRoleArn"]) == ([], ROLE)


def test_an_update_sends_again_what_is_to_stay_and_no_more() -> None:
    present = addon(configuration={"a": 1}, service_account_role_arn=ROLE, tags={"team": "shop"})

    assert change(plan_addon(present, DESIRED, "v3"), DESIRED) == {
        "clusterName": "shop",
        "addonName": "coredns",
        "addonVersion": "v3",
        "resolveConflicts": "OVERWRITE",
        "serviceAccountRoleArn": ROLE,
        "configurationValues": '{"a": 1}',
    }


def test_a_creation_sends_what_is_asked_for_and_no_more() -> None:
    desired = replace(DESIRED, tags={"team": "shop"})

    assert creation(plan_addon(None, desired, "v2", RELEASES), desired) == {
        "clusterName": "shop",
        "addonName": "coredns",
        "addonVersion": "v2",
        "resolveConflicts": "OVERWRITE",
        "tags": {"team": "shop"},
    }


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", {}),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}),
        ("a:\n  b: 1\n", {"a": {"b": 1}}),
        ("# nothing\n", {}),
        ("a: [", {}),
    ],
)
def test_stored_configuration_is_read_whatever_it_is_written_in(text: str, parsed: dict[str, Any]) -> None:
    assert parse_configuration(text) == parsed
