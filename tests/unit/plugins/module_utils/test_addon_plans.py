"""What is planned for an add-on, and the calls that come of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Release
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import (
    Desired,
    change,
    creation,
    plan_addon,
)
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from hypothesis import given
from hypothesis import strategies as st

ROLE = "arn:aws:iam::123456789012:role/agent"
RELEASES = [Release(version, version == "v2", "eks", "aws", "kube-system") for version in ("v10", "v3", "v2", "v1")]
DESIRED = Desired(
    cluster_name="shop",
    name="coredns",
    present=True,
    version=None,
    configuration=None,
    service_account_role_arn=None,
    pod_identity_associations=None,
    namespace=None,
    tags=None,
    purge_tags=True,
    resolve_conflicts="overwrite",
    preserve=False,
)
ASSOCIATIONS = [{"service_account": name, "role_arn": ROLE} for name in ("a", "b")]


def addon(**changes: Any) -> dict[str, Any]:
    created = plan_addon(None, DESIRED, "v2", RELEASES).after or {}
    return {**created, "addon_arn": "arn", **changes}


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


def test_an_empty_role_takes_the_role_away() -> None:
    desired = replace(DESIRED, service_account_role_arn="")

    plan = plan_addon(addon(service_account_role_arn=ROLE), desired, "v2")

    assert (plan.action, (plan.after or {})["service_account_role_arn"]) == ("update", None)
    assert "serviceAccountRoleArn" not in change(plan, desired)
    assert not plan_addon(addon(), desired, "v2").changed


def test_a_new_addon_goes_to_the_namespace_asked_for() -> None:
    desired = replace(DESIRED, namespace="dns")

    plan = plan_addon(None, desired, "v2", RELEASES)

    assert (plan.after or {})["namespace"] == "dns"
    assert creation(plan, desired)["namespaceConfig"] == {"namespace": "dns"}


def test_an_addon_cannot_be_moved() -> None:
    with pytest.raises(DeepobsError, match=r"namespace: add-on coredns is in namespace kube-system.*state: absent"):
        plan_addon(addon(), replace(DESIRED, namespace="dns"), "v2")


@pytest.mark.parametrize("namespace", ["kube-system", None])
def test_the_present_namespace_is_no_difference(namespace: str | None) -> None:
    assert not plan_addon(addon(namespace=namespace), replace(DESIRED, namespace="kube-system"), "v2").changed


def test_a_failed_creation_may_be_created_again_elsewhere() -> None:
    plan = plan_addon(addon(status="CREATE_FAILED"), replace(DESIRED, namespace="dns"), "v2")

    assert (plan.action, (plan.after or {})["namespace"]) == ("recreate", "dns")


CONFIGURATIONS = st.dictionaries(st.sampled_from("ab"), st.integers(0, 1))
ROLES = st.sampled_from(["", "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b"])
LISTS = st.lists(
    st.fixed_dictionaries({"service_account": st.sampled_from("ab"), "role_arn": st.just(ROLE)}),
    unique_by=lambda association: association["service_account"],
)
TAGS = st.dictionaries(st.sampled_from(["team", "aws:owner"]), st.sampled_from("xy"))
STATUSES = ["ACTIVE", "DEGRADED", "CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED", "DELETING"]
PRESENT = st.builds(
    addon,
    status=st.sampled_from(STATUSES),
    addon_version=st.sampled_from(["v1", "v2"]),
    configuration=CONFIGURATIONS,
    service_account_role_arn=ROLES.map(lambda role: role or None),
    pod_identity_associations=LISTS,
    tags=TAGS,
)
OWN_TAGS = st.dictionaries(st.just("team"), st.sampled_from("xy"))
WANTED = st.builds(
    replace,
    st.just(DESIRED),
    present=st.booleans(),
    configuration=st.none() | CONFIGURATIONS,
    service_account_role_arn=st.none() | ROLES,
    tags=st.none() | OWN_TAGS,
    purge_tags=st.booleans(),
) | st.builds(replace, st.just(DESIRED), pod_identity_associations=st.none() | LISTS, tags=st.none() | OWN_TAGS)


@given(st.none() | PRESENT, WANTED, st.sampled_from(["v1", "v2"]))
def test_twice_is_once(present: dict[str, Any] | None, desired: Desired, version: str) -> None:
    planned = plan_addon(present, desired, version, RELEASES)

    again = plan_addon(planned.after, desired, version, RELEASES)

    assert (again.changed, again.after) == (False, planned.after)


@given(PRESENT, WANTED, st.sampled_from(["v1", "v2"]))
def test_what_is_not_asked_for_stays(present: dict[str, Any], desired: Desired, version: str) -> None:
    before = copy.deepcopy(present)
    planned = plan_addon(present, desired, version, RELEASES)

    assert present == before
    if planned.after is None or planned.action == "create":
        return
    if desired.configuration is None:
        assert planned.after["configuration"] == present["configuration"]
    if desired.tags is None or not desired.purge_tags:
        assert set(present["tags"]) <= set(planned.after["tags"])
    assert {tag for tag in present["tags"] if tag.startswith("aws:")} <= set(planned.after["tags"])
