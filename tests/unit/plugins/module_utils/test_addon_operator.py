"""Looking at one add-on and the calls that a plan comes to, with a client that notes each call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_operator import AddonOperator
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan, Desired
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from botocore.exceptions import ClientError

ARN = "arn:aws:eks:eu-west-1:1:addon/shop/adot/0"
NAMES = {"clusterName": "shop", "addonName": "adot"}
ADDON = {
    "addon_arn": ARN,
    "addon_version": "v1",
    "configuration": {},
    "service_account_role_arn": "",
    "pod_identity_associations": [],
    "tags": {},
}


class NotingEks:
    """An account with one add-on, whose statuses come one at each look; None is an add-on that is gone."""

    def __init__(self, *statuses: str | None) -> None:
        self.statuses = list(statuses)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.seconds = 0.0

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def method(aws_retry: bool, **parameters: Any) -> dict[str, Any]:
            self.calls.append((operation, parameters))
            return self._answer(operation)

        return method

    def _answer(self, operation: str) -> dict[str, Any]:
        if operation == "describe_addon":
            return {"addon": self._described(self.statuses.pop(0))}
        if operation == "describe_update" and not self.statuses[0]:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeUpdate")
        return {"update": {"id": "4711", "status": "InProgress"}}

    @staticmethod
    def _described(status: str | None) -> dict[str, Any]:
        if status is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeAddon")
        now = datetime(2026, 2, 1, tzinfo=UTC)
        return {**NAMES, "addonArn": ARN, "addonVersion": "v1", "status": status, "createdAt": now, "modifiedAt": now}


def operator_of(eks: NotingEks, preserve: bool = False) -> AddonOperator:
    desired = Desired(
        cluster_name="shop",
        name="adot",
        present=True,
        version="v1",
        configuration=None,
        service_account_role_arn=None,
        pod_identity_associations=None,
        namespace=None,
        tags=None,
        purge_tags=True,
        resolve_conflicts="none",
        preserve=preserve,
    )
    return AddonOperator(eks, desired, Stopwatch(lambda: eks.seconds))


def started(plan: AddonPlan, preserve: bool = False) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """The id of the update that a plan started, and the calls it took, without their tokens."""
    eks = NotingEks()
    update_id = operator_of(eks, preserve).start(plan)
    for _operation, parameters in eks.calls:
        parameters.pop("clientRequestToken", None)
    return update_id, eks.calls


def test_look_without_an_update_is_one_call() -> None:
    eks = NotingEks("ACTIVE")
    sight = operator_of(eks).look()
    assert (sight.addon or {})["status"] == "ACTIVE"
    assert sight.update == {}
    assert eks.calls == [("describe_addon", NAMES)]


def test_look_reads_the_update_before_the_addon_that_it_changes() -> None:
    eks = NotingEks("UPDATING")
    assert operator_of(eks).look("4711").update == {"id": "4711", "status": "InProgress"}
    assert eks.calls[0] == ("describe_update", {"name": "shop", "addonName": "adot", "updateId": "4711"})
    assert eks.calls[1][0] == "describe_addon"


def test_addon_that_is_gone_has_no_update_either() -> None:
    sight = operator_of(NotingEks(None)).look("4711")
    assert (sight.addon, sight.update) == (None, {})


def test_degraded_time_counts_from_the_first_look_and_anew_after_another_status() -> None:
    eks = NotingEks("DEGRADED", "DEGRADED", "ACTIVE", "DEGRADED", "DEGRADED")
    operator, seconds = operator_of(eks), list[float]()
    for _look in range(5):
        eks.seconds += 30
        seconds.append(operator.look().degraded_seconds)
    assert seconds == [0, 30, 0, 0, 30]


def test_plan_of_nothing_makes_no_call() -> None:
    assert started(AddonPlan(ADDON, ADDON)) == ("", [])


@pytest.mark.parametrize("preserve", [True, False])
def test_deletion_keeps_the_objects_only_where_asked_to(preserve: bool) -> None:
    calls = [("delete_addon", {**NAMES, "preserve": preserve})]
    assert started(AddonPlan(ADDON, None, "delete"), preserve) == ("", calls)


def test_creation_starts_no_update_to_follow() -> None:
    update_id, ((operation, parameters),) = started(AddonPlan(None, {**ADDON, "tags": {"team": "shop"}}, "create"))
    assert (update_id, operation) == ("", "create_addon")
    assert parameters == {**NAMES, "addonVersion": "v1", "resolveConflicts": "NONE", "tags": {"team": "shop"}}


def test_update_tells_which_to_follow() -> None:
    update_id, ((operation, parameters),) = started(AddonPlan(ADDON, {**ADDON, "addon_version": "v2"}, "update"))
    assert (update_id, operation, parameters["addonVersion"]) == ("4711", "update_addon", "v2")


def test_tags_go_before_others_come_so_that_there_is_room() -> None:
    plan = AddonPlan(ADDON, ADDON, tags_to_set={"new": "1"}, tags_to_remove=["old"])
    assert started(plan) == (
        "",
        [
            ("untag_resource", {"resourceArn": ARN, "tagKeys": ["old"]}),
            ("tag_resource", {"resourceArn": ARN, "tags": {"new": "1"}}),
        ],
    )


def test_every_write_has_a_token_of_its_own() -> None:
    eks = NotingEks()
    for _write in range(2):
        operator_of(eks).start(AddonPlan(ADDON, ADDON, "update"))
    tokens = [parameters["clientRequestToken"] for _operation, parameters in eks.calls]
    assert len(set(tokens)) == 2


def test_refused_write_names_the_addon_and_its_cluster() -> None:
    class Refusing(NotingEks):
        def _answer(self, operation: str) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "InvalidParameterException"}}, "UpdateAddon")

    with pytest.raises(DeepobsError, match="Failed to update add-on adot of cluster shop"):
        operator_of(Refusing()).start(AddonPlan(ADDON, ADDON, "update"))
