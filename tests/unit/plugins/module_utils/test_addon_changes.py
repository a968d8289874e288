"""Carrying out a plan for an add-on and waiting: every final status, what heals, what is said about what does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_changes import AddonOperator, Patience, apply
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan, Desired, plan_addon
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from botocore.exceptions import ClientError

VERSION = "v6.2.0-eksbuild.1"
OLD_VERSION = "v4.10.4-eksbuild.1"
CONFLICT = {"code": "ConfigurationConflict", "message": "Conflicts found", "resourceIds": []}
NO_REPLICAS = {"code": "InsufficientNumberOfReplicas", "message": "0 of 1", "resourceIds": []}
GONE = "gone"


def refusal(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} said"}}, operation)


class StubEks:
    """EKS with one add-on that passes through given statuses, one at each look; the last one stays."""

    def __init__(self, *statuses: str, version: str = VERSION, issues: tuple[dict[str, Any], ...] = ()) -> None:
        self.statuses = list(statuses) or [GONE]
        self.version = version
        self.issues = issues
        self.applies_updates = True
        self.update_status = "Successful"
        self.update_errors: list[dict[str, str]] = []
        self.after_write: dict[str, list[str]] = {}
        self.refusals: list[ClientError] = []
        self.writes: list[tuple[str, dict[str, Any]]] = []
        self.seconds = 0.0

    def describe_addon(self, **_parameters: Any) -> dict[str, Any]:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == GONE:
            raise refusal("DescribeAddon", "ResourceNotFoundException")
        now = datetime(2026, 2, 1, tzinfo=UTC)
        return {
            "addon": {
                "clusterName": "shop",
                "addonName": "amazon-cloudwatch-observability",
                "addonVersion": self.version,
                "addonArn": "arn:aws:eks:eu-west-1:1:addon/shop/amazon-cloudwatch-observability/0",
                "status": status,
                "health": {"issues": list(self.issues) if status not in ("ACTIVE", "CREATING") else []},
                "createdAt": now,
                "modifiedAt": now,
            }
        }

    def describe_update(self, **_parameters: Any) -> dict[str, Any]:
        return {"update": {"status": self.update_status, "errors": self.update_errors}}

    def create_addon(self, **parameters: Any) -> dict[str, Any]:
        return self._write("create", parameters)

    def update_addon(self, **parameters: Any) -> dict[str, Any]:
        return self._write("update", parameters) | {"update": {"id": "1"}}

    def delete_addon(self, **parameters: Any) -> dict[str, Any]:
        return self._write("delete", parameters)

    def _write(self, kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop(0)
        self.writes.append((kind, {name: value for name, value in parameters.items() if name != "aws_retry"}))
        self.statuses = list(self.after_write.get(kind, self.statuses))
        if self.applies_updates:
            self.version = parameters.get("addonVersion", self.version)
        return {}

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def desired(present: bool = True, version: str | None = VERSION, preserve: bool = False) -> Desired:
    return Desired(
        cluster_name="shop",
        name="amazon-cloudwatch-observability",
        present=present,
        version=version,
        configuration=None,
        service_account_role_arn=None,
        pod_identity_associations=None,
        tags=None,
        purge_tags=True,
        resolve_conflicts="none",
        preserve=preserve,
    )


def carry_out(
    eks: StubEks, wanted: Desired | None = None, degraded: str = "fail", wait: bool = True
) -> tuple[AddonPlan, list[str]]:
    wanted = wanted or desired()
    patience = Patience(wait=wait, timeout_seconds=600, degraded=degraded, grace_seconds=120)
    operator = AddonOperator(eks, wanted, patience, Stopwatch(lambda: eks.seconds, eks.sleep))

    def make_plan(current: Addon | None) -> AddonPlan:
        return plan_addon(current, wanted, VERSION)

    return apply(operator, make_plan(operator.read()), patience, make_plan)


def kinds(eks: StubEks) -> list[str]:
    return [kind for kind, _parameters in eks.writes]


def test_a_converged_addon_costs_one_look() -> None:
    eks = StubEks("ACTIVE", "looked twice")

    plan, warnings = carry_out(eks)

    assert (plan.changed, warnings, eks.statuses) == (False, [], ["looked twice"])


def test_a_failed_creation_is_repaired_and_its_objects_left_in_the_cluster() -> None:
    eks = StubEks("CREATE_FAILED", issues=(CONFLICT,))
    eks.after_write = {"delete": ["DELETING", GONE], "create": ["CREATING", "ACTIVE"]}

    plan, _warnings = carry_out(eks)

    assert kinds(eks) == ["delete", "create"]
    assert eks.writes[0][1]["preserve"] is True
    assert plan.changed


@pytest.mark.parametrize("status", ["UPDATE_FAILED", "DELETE_FAILED"])
def test_a_failed_change_is_tried_again(status: str) -> None:
    eks = StubEks(status)
    eks.after_write = {"update": ["UPDATING", "ACTIVE"]}

    plan, _warnings = carry_out(eks)

    assert (kinds(eks), plan.changed) == (["update"], True)


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED"])
def test_a_change_that_fails_says_why_and_what_mends_it(status: str) -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION, issues=(CONFLICT,))
    eks.after_write = {"update": ["UPDATING", status]}

    with pytest.raises(DeepobsError, match=rf"{status}.*ConfigurationConflict \(Conflicts found\).*resolve_conflicts"):
        carry_out(eks)


def test_an_update_that_failed_is_reported_though_the_addon_is_active() -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION)
    eks.update_status = "Failed"
    eks.update_errors = [{"errorCode": "AdmissionRequestDenied", "errorMessage": "denied by a webhook"}]
    eks.applies_updates = False

    with pytest.raises(DeepobsError, match=r"update is Failed: AdmissionRequestDenied \(denied by a webhook\) - let"):
        carry_out(eks)


def test_a_failed_update_whose_addon_heals_is_a_warning() -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION)
    eks.update_status = "Failed"
    eks.update_errors = [{"errorCode": "InsufficientNumberOfReplicas", "errorMessage": "0 of 1"}]
    eks.after_write = {"update": ["UPDATING", "DEGRADED", "DEGRADED", "ACTIVE"]}

    _plan, warnings = carry_out(eks)

    assert len(warnings) == 1
    assert "InsufficientNumberOfReplicas" in warnings[0]


def test_a_degraded_addon_is_given_its_time_to_heal() -> None:
    eks = StubEks(*["DEGRADED"] * 10, "ACTIVE", issues=(NO_REPLICAS,))

    plan, warnings = carry_out(eks)

    assert (plan.after or {})["status"] == "ACTIVE"
    assert warnings == []


def test_a_degraded_addon_fails_after_its_time() -> None:
    eks = StubEks("DEGRADED", issues=(NO_REPLICAS,))

    with pytest.raises(DeepobsError, match=r"DEGRADED.*no ready node.*set degraded to warn or accept"):
        carry_out(eks)

    assert 120 <= eks.seconds < 130


def test_a_degraded_addon_is_warned_about_where_that_is_asked_for() -> None:
    plan, warnings = carry_out(StubEks("DEGRADED", issues=(NO_REPLICAS,)), degraded="warn")

    assert (plan.after or {})["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    assert "InsufficientNumberOfReplicas" in warnings[0]


def test_an_accepted_degraded_addon_is_not_waited_for() -> None:
    eks = StubEks("DEGRADED", issues=(NO_REPLICAS,))

    assert (carry_out(eks, degraded="accept")[1], eks.seconds) == ([], 0)


def test_an_update_of_somebody_else_that_came_between_is_waited_for() -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION)
    eks.refusals = [refusal("UpdateAddon", "ResourceInUseException")]
    eks.after_write = {"update": ["UPDATING", "ACTIVE"]}

    carry_out(eks)

    assert kinds(eks) == ["update"]


def test_a_write_that_is_refused_is_reported() -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION)
    eks.refusals = [refusal("UpdateAddon", "InvalidParameterException")]

    with pytest.raises(DeepobsError, match="Failed to update add-on amazon-cloudwatch-observability of cluster shop"):
        carry_out(eks)


def test_a_change_that_takes_too_long_names_the_option() -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION)
    eks.after_write = {"update": ["UPDATING"]}

    with pytest.raises(DeepobsError, match=r"wait_timeout \(600 s\).*UPDATING"):
        carry_out(eks)


@pytest.mark.parametrize("preserve", [True, False])
def test_preserve_is_passed_on(preserve: bool) -> None:
    eks = StubEks("ACTIVE")
    eks.after_write = {"delete": ["DELETING", "DEGRADED", GONE]}

    plan, _warnings = carry_out(eks, desired(present=False, preserve=preserve))

    assert (eks.writes[0][1]["preserve"], plan.after) == (preserve, None)


def test_a_removal_that_fails_is_reported() -> None:
    eks = StubEks("ACTIVE", issues=({"code": "AccessDenied", "message": "no", "resourceIds": []},))
    eks.after_write = {"delete": ["DELETING", "DELETE_FAILED"]}

    with pytest.raises(DeepobsError, match="DELETE_FAILED: AccessDenied"):
        carry_out(eks, desired(present=False))


def test_an_addon_deleted_by_somebody_else_meanwhile_is_reported() -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION)
    eks.after_write = {"update": ["UPDATING", GONE]}

    with pytest.raises(DeepobsError, match="was deleted while it was being waited for"):
        carry_out(eks)


def test_without_waiting_a_write_is_all() -> None:
    eks = StubEks("ACTIVE", version=OLD_VERSION)
    eks.after_write = {"update": ["UPDATING"]}

    plan, _warnings = carry_out(eks, wait=False)

    assert ((plan.after or {})["status"], eks.seconds) == ("UPDATING", 0)
