"""Carrying out plans for add-ons and waiting: every final status, what heals, what is said about what does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_changes import Changes, Course, Patience
from ansible_collections.deepobs.eks.plugins.module_utils.addon_operator import AddonOperator
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan, Desired, plan_addon
from ansible_collections.deepobs.eks.plugins.module_utils.addons import Addon
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.waiting import Stopwatch
from botocore.exceptions import ClientError

NAME = "amazon-cloudwatch-observability"
VERSION = "v6.2.0-eksbuild.1"
OLD_VERSION = "v4.10.4-eksbuild.1"
CONFLICT = {"code": "ConfigurationConflict", "message": "Conflicts found", "resourceIds": []}
NO_REPLICAS = {"code": "InsufficientNumberOfReplicas", "message": "0 of 1", "resourceIds": []}
GONE = "gone"
DENIED = "denied"


def refusal(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} said"}}, operation)


class StubAddon:
    """EKS with one add-on that passes through given statuses, one at each look; the last one stays."""

    def __init__(self, *statuses: str, version: str = VERSION, issues: tuple[dict[str, Any], ...] = ()) -> None:
        self.statuses = list(statuses) or [GONE]
        self.version = version
        self.issues = issues
        self.looks = 0
        self.applies_updates = True
        self.updates = {"1": "Successful"}
        self.update_errors: list[dict[str, str]] = []
        self.after_write: dict[str, list[str]] = {}
        self.refusals: list[ClientError] = []
        self.version_after_refusal = ""
        self.writes: list[tuple[str, dict[str, Any]]] = []

    def describe(self, name: str) -> dict[str, Any]:
        self.looks += 1
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == GONE:
            raise refusal("DescribeAddon", "ResourceNotFoundException")
        if status == DENIED:
            raise refusal("DescribeAddon", "AccessDeniedException")
        now = datetime(2026, 2, 1, tzinfo=UTC)
        return {
            "addon": {
                "clusterName": "shop",
                "addonName": name,
                "addonVersion": self.version,
                "addonArn": f"arn:aws:eks:eu-west-1:1:addon/shop/{name}/0",
                "status": status,
                "health": {"issues": list(self.issues) if status not in ("ACTIVE", "CREATING") else []},
                "createdAt": now,
                "modifiedAt": now,
            }
        }

    def describe_update(self, update_id: str) -> dict[str, Any]:
        if update_id not in self.updates:
            raise refusal("DescribeUpdate", "ResourceNotFoundException")
        return {"update": {"status": self.updates[update_id], "errors": self.update_errors}}

    def write(self, kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if self.refusals:
            self.version = self.version_after_refusal or self.version
            raise self.refusals.pop(0)
        self.writes.append((kind, {name: value for name, value in parameters.items() if name != "aws_retry"}))
        self.statuses = list(self.after_write.get(kind, self.statuses))
        if self.applies_updates:
            self.version = parameters.get("addonVersion", self.version)
        return {"update": {"id": "1"}}

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _parameters in self.writes]


class StubEks:
    """EKS with add-ons of these names, and a clock that only waiting moves."""

    def __init__(self, **addons: StubAddon) -> None:
        self.addons = {name.replace("_", "-"): addon for name, addon in addons.items()}
        self.order: list[tuple[str, str]] = []
        self.seconds = 0.0

    def describe_addon(self, addonName: str, **_parameters: Any) -> dict[str, Any]:
        return self.addons[addonName].describe(addonName)

    def describe_update(self, addonName: str, updateId: str, **_parameters: Any) -> dict[str, Any]:
        return self.addons[addonName].describe_update(updateId)

    def create_addon(self, **parameters: Any) -> dict[str, Any]:
        return self._write("create", parameters)

    def update_addon(self, **parameters: Any) -> dict[str, Any]:
        return self._write("update", parameters)

    def delete_addon(self, **parameters: Any) -> dict[str, Any]:
        return self._write("delete", parameters)

    def _write(self, kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.order.append((kind, parameters["addonName"]))
        return self.addons[parameters["addonName"]].write(kind, parameters)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def desired(name: str = NAME, present: bool = True, preserve: bool = False) -> Desired:
    return Desired(
        cluster_name="shop",
        name=name,
        present=present,
        version=VERSION,
        configuration=None,
        service_account_role_arn=None,
        pod_identity_associations=None,
        namespace=None,
        tags=None,
        purge_tags=True,
        resolve_conflicts="none",
        preserve=preserve,
    )


def carry_out_all(eks: StubEks, *wanted: Desired, degraded: str = "fail", wait: bool = True) -> list[Course]:
    watch = Stopwatch(lambda: eks.seconds, eks.sleep)

    def begin(one: Desired) -> Course:
        def make_plan(current: Addon | None) -> AddonPlan:
            return plan_addon(current, one, VERSION)

        operator = AddonOperator(eks, one, watch)
        sight = operator.look()
        return Course(operator, make_plan, sight, make_plan(sight.addon))

    courses = [begin(one) for one in wanted]
    patience = Patience(wait=wait, timeout_seconds=600, degraded=degraded, grace_seconds=120)
    Changes(courses, patience, watch).run()
    return courses


def carry_out(
    addon: StubAddon, wanted: Desired | None = None, degraded: str = "fail", wait: bool = True
) -> tuple[Course, float]:
    """The course of one add-on, and how many seconds it took; raises what went wrong with it."""
    eks = StubEks(amazon_cloudwatch_observability=addon)
    (course,) = carry_out_all(eks, wanted or desired(), degraded=degraded, wait=wait)
    if course.error:
        raise course.error
    return course, eks.seconds


def test_a_converged_addon_costs_one_look() -> None:
    addon = StubAddon("ACTIVE")

    course, seconds = carry_out(addon)

    assert (course.tried, course.warnings, addon.looks, seconds) == (False, [], 1, 0)


def test_a_failed_creation_is_repaired_and_its_objects_left_in_the_cluster() -> None:
    addon = StubAddon("CREATE_FAILED", issues=(CONFLICT,))
    addon.after_write = {"delete": ["DELETING", GONE], "create": ["CREATING", "ACTIVE"]}

    course, _seconds = carry_out(addon)

    assert addon.kinds == ["delete", "create"]
    assert addon.writes[0][1]["preserve"] is True
    assert course.first.changed


def test_a_failed_creation_that_cannot_be_removed_is_reported() -> None:
    addon = StubAddon("CREATE_FAILED", issues=(CONFLICT,))
    addon.after_write = {"delete": ["DELETING", "DELETE_FAILED"]}

    with pytest.raises(DeepobsError, match="DELETE_FAILED: ConfigurationConflict"):
        carry_out(addon)

    assert addon.kinds == ["delete"]


@pytest.mark.parametrize("status", ["UPDATE_FAILED", "DELETE_FAILED"])
def test_a_failed_change_is_tried_again(status: str) -> None:
    addon = StubAddon(status)
    addon.after_write = {"update": ["UPDATING", "ACTIVE"]}

    course, _seconds = carry_out(addon)

    assert (addon.kinds, course.first.changed) == (["update"], True)


def test_a_failed_removal_is_tried_again() -> None:
    addon = StubAddon("DELETE_FAILED")
    addon.after_write = {"delete": ["DELETING", GONE]}

    assert carry_out(addon, desired(present=False))[0].sight.addon is None


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED"])
def test_a_change_that_fails_says_why_and_what_mends_it(status: str) -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION, issues=(CONFLICT,))
    addon.after_write = {"update": ["UPDATING", status]}

    with pytest.raises(DeepobsError, match=rf"{status}.*ConfigurationConflict \(Conflicts found\).*resolve_conflicts"):
        carry_out(addon)


@pytest.mark.parametrize("status", ["Failed", "Cancelled"])
def test_an_update_that_failed_is_reported_though_the_addon_is_active(status: str) -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.updates = {"1": status}
    addon.update_errors = [{"errorCode": "AdmissionRequestDenied", "errorMessage": "denied by a webhook"}]
    addon.applies_updates = False

    with pytest.raises(
        DeepobsError, match=rf"update is {status}: AdmissionRequestDenied \(denied by a webhook\) - let"
    ):
        carry_out(addon)


@pytest.mark.parametrize("degraded", ["fail", "warn", "accept"])
def test_a_failed_update_whose_addon_heals_is_a_warning(degraded: str) -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.updates = {"1": "Failed"}
    addon.update_errors = [{"errorCode": "InsufficientNumberOfReplicas", "errorMessage": "0 of 1"}]
    addon.after_write = {"update": ["UPDATING", "DEGRADED", "DEGRADED", "ACTIVE"]}

    course, _seconds = carry_out(addon, degraded=degraded)

    assert course.sight.status == "ACTIVE"
    assert len(course.warnings) == 1
    assert "InsufficientNumberOfReplicas" in course.warnings[0]


def test_a_failed_update_whose_addon_stays_degraded_is_waited_out_before_it_is_accepted() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION, issues=(NO_REPLICAS,))
    addon.updates = {"1": "Failed"}
    addon.after_write = {"update": ["UPDATING", "DEGRADED"]}

    course, seconds = carry_out(addon, degraded="accept")

    assert 120 <= seconds < 130
    assert "its update is Failed" in course.warnings[0]


def test_a_degraded_addon_is_given_its_time_to_heal() -> None:
    course, _seconds = carry_out(StubAddon(*["DEGRADED"] * 10, "ACTIVE", issues=(NO_REPLICAS,)))

    assert (course.sight.status, course.warnings) == ("ACTIVE", [])


def test_a_degraded_addon_fails_after_its_time() -> None:
    eks = StubEks(amazon_cloudwatch_observability=StubAddon("DEGRADED", issues=(NO_REPLICAS,)))

    (course,) = carry_out_all(eks, desired())

    assert course.error is not None
    assert "no ready node" in course.error.message
    assert "set degraded to warn or accept" in course.error.message
    assert 120 <= eks.seconds < 130


def test_a_degraded_addon_is_warned_about_where_that_is_asked_for() -> None:
    course, _seconds = carry_out(StubAddon("DEGRADED", issues=(NO_REPLICAS,)), degraded="warn")

    assert (course.sight.addon or {})["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    assert "InsufficientNumberOfReplicas" in course.warnings[0]


def test_an_accepted_degraded_addon_is_not_waited_for() -> None:
    course, seconds = carry_out(StubAddon("DEGRADED", issues=(NO_REPLICAS,)), degraded="accept")

    assert (course.warnings, seconds) == ([], 0)


def test_an_update_of_somebody_else_that_came_between_is_waited_for() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.refusals = [refusal("UpdateAddon", "ResourceInUseException")]
    addon.after_write = {"update": ["UPDATING", "ACTIVE"]}

    carry_out(addon)

    assert addon.kinds == ["update"]


def test_after_an_update_of_somebody_else_it_is_planned_anew() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.refusals = [refusal("UpdateAddon", "ResourceInUseException")]
    addon.version_after_refusal = VERSION

    course, _seconds = carry_out(addon)

    assert (addon.kinds, (course.sight.addon or {})["addon_version"]) == ([], VERSION)


def test_an_addon_that_is_held_for_good_is_reported() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.refusals = [refusal("UpdateAddon", "ResourceInUseException")] * 3

    with pytest.raises(DeepobsError, match="Failed to update add-on amazon-cloudwatch-observability") as raised:
        carry_out(addon)

    assert "ResourceInUseException" in str(raised.value.exception)


def test_a_creation_that_something_else_is_in_the_way_of_says_what_it_usually_is() -> None:
    addon = StubAddon()
    addon.refusals = [refusal("CreateAddon", "ResourceInUseException")] * 3

    with pytest.raises(DeepobsError, match="has a Pod Identity association already"):
        carry_out(addon)


def test_a_failed_creation_that_is_held_is_taken_up_again() -> None:
    addon = StubAddon("CREATE_FAILED")
    addon.refusals = [refusal("DeleteAddon", "ResourceInUseException")]
    addon.after_write = {"delete": [GONE], "create": ["ACTIVE"]}

    carry_out(addon)

    assert addon.kinds == ["delete", "create"]


def test_a_failed_creation_whose_removal_takes_too_long_is_not_created() -> None:
    addon = StubAddon("CREATE_FAILED")
    addon.after_write = {"delete": ["DELETING"]}

    with pytest.raises(DeepobsError, match=r"wait_timeout \(600 s\).*DELETING"):
        carry_out(addon)

    assert addon.kinds == ["delete"]


def test_a_write_that_is_refused_is_reported() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.refusals = [refusal("UpdateAddon", "InvalidParameterException")]

    with pytest.raises(DeepobsError, match="Failed to update add-on amazon-cloudwatch-observability of cluster shop"):
        carry_out(addon)


def test_a_change_that_takes_too_long_names_the_option() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.after_write = {"update": ["UPDATING"]}

    with pytest.raises(DeepobsError, match=r"wait_timeout \(600 s\).*UPDATING"):
        carry_out(addon)


@pytest.mark.parametrize("preserve", [True, False])
def test_preserve_is_passed_on(preserve: bool) -> None:
    addon = StubAddon("ACTIVE")
    addon.after_write = {"delete": ["DELETING", "DEGRADED", GONE]}

    course, _seconds = carry_out(addon, desired(present=False, preserve=preserve))

    assert (addon.writes[0][1]["preserve"], course.sight.addon) == (preserve, None)


def test_a_removal_that_fails_is_reported() -> None:
    addon = StubAddon("ACTIVE", issues=({"code": "AccessDenied", "message": "no", "resourceIds": []},))
    addon.after_write = {"delete": ["DELETING", "DELETE_FAILED"]}

    with pytest.raises(DeepobsError, match="DELETE_FAILED: AccessDenied"):
        carry_out(addon, desired(present=False))


def test_an_addon_deleted_by_somebody_else_meanwhile_is_reported() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.after_write = {"update": ["UPDATING", GONE]}
    addon.updates = {}

    with pytest.raises(DeepobsError, match="or the whole cluster, was deleted while it was being waited for"):
        carry_out(addon)


def test_without_waiting_a_write_is_all() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.after_write = {"update": ["UPDATING"]}

    course, seconds = carry_out(addon, wait=False)

    assert (course.sight.status, seconds) == ("UPDATING", 0)


@pytest.mark.parametrize(
    ("status", "after", "kinds"),
    [
        ("CREATE_FAILED", {"delete": ["DELETING", GONE], "create": ["CREATING"]}, ["delete", "create"]),
        ("UPDATE_FAILED", {"update": ["UPDATING"]}, ["update"]),
        ("DELETE_FAILED", {"update": ["UPDATING"]}, ["update"]),
    ],
)
def test_without_waiting_a_failed_addon_is_repaired_as_well(
    status: str, after: dict[str, list[str]], kinds: list[str]
) -> None:
    addon = StubAddon(status)
    addon.after_write = after

    course, _seconds = carry_out(addon, wait=False)

    assert (addon.kinds, course.sight.in_progress) == (kinds, True)


def test_without_waiting_a_degraded_addon_is_left_as_it_is() -> None:
    addon = StubAddon("DEGRADED", issues=(NO_REPLICAS,))

    course, seconds = carry_out(addon, wait=False)

    assert (course.tried, course.warnings, addon.looks, seconds) == (False, [], 1, 0)


def test_a_look_that_fails_ends_the_course_of_that_addon_alone() -> None:
    broken, sound = StubAddon("ACTIVE", version=OLD_VERSION), StubAddon("ACTIVE", version=OLD_VERSION)
    broken.after_write = {"update": ["UPDATING", DENIED]}
    sound.after_write = {"update": ["UPDATING", "UPDATING", "ACTIVE"]}
    eks = StubEks(coredns=broken, vpc_cni=sound)

    first, second = carry_out_all(eks, desired("coredns"), desired("vpc-cni"))

    assert first.error is not None
    assert "Failed to describe add-on coredns" in first.error.message
    assert (second.error, second.sight.status) == (None, "ACTIVE")


def test_a_plan_that_cannot_be_after_somebody_elses_change_ends_the_course() -> None:
    addon = StubAddon("UPDATING", "ACTIVE")
    eks = StubEks(coredns=addon)
    operator = AddonOperator(eks, desired("coredns"), Stopwatch(lambda: eks.seconds, eks.sleep))

    def refuse(_current: Addon | None) -> AddonPlan:
        raise DeepobsError("the configuration does not fit any more")

    course = Course(operator, refuse, operator.look(), AddonPlan(None, None))
    Changes([course], Patience(True, 600, "fail", 120), Stopwatch(lambda: eks.seconds, eks.sleep)).run()

    assert course.error is not None
    assert (course.tried, course.error.message) == (False, "the configuration does not fit any more")


def test_a_repeated_write_has_the_token_of_the_first() -> None:
    addon = StubAddon("ACTIVE", version=OLD_VERSION)
    addon.after_write = {"update": ["ACTIVE"]}

    carry_out(addon)

    assert addon.writes[0][1]["clientRequestToken"]


def test_several_are_started_before_any_is_waited_for_and_share_one_clock() -> None:
    slow, failed = StubAddon("ACTIVE", version=OLD_VERSION), StubAddon("CREATE_FAILED")
    slow.after_write = {"update": [*["UPDATING"] * 6, "ACTIVE"]}
    failed.after_write = {"delete": [GONE], "create": [*["CREATING"] * 6, "ACTIVE"]}
    alone = StubAddon("ACTIVE", version=OLD_VERSION)
    alone.after_write = {"update": [*["UPDATING"] * 6, "ACTIVE"]}
    eks = StubEks(coredns=slow, vpc_cni=failed, kube_proxy=StubAddon("ACTIVE"))

    courses = carry_out_all(eks, desired("coredns"), desired("vpc-cni"), desired("kube-proxy"))

    assert eks.order == [("delete", "vpc-cni"), ("update", "coredns"), ("create", "vpc-cni")]
    assert [course.sight.status for course in courses] == ["ACTIVE"] * 3
    assert [course.tried for course in courses] == [True, True, False]
    assert eks.seconds == carry_out(alone)[1]


def test_one_that_fails_does_not_keep_the_others() -> None:
    refused, broken = StubAddon("ACTIVE", version=OLD_VERSION), StubAddon("ACTIVE", version=OLD_VERSION)
    sound = StubAddon()
    refused.refusals = [refusal("UpdateAddon", "AccessDeniedException")]
    broken.after_write = {"update": ["UPDATING", "UPDATE_FAILED"]}
    sound.after_write = {"create": ["CREATING", "CREATING", "ACTIVE"]}
    eks = StubEks(coredns=refused, vpc_cni=broken, kube_proxy=sound)

    courses = carry_out_all(eks, desired("coredns"), desired("vpc-cni"), desired("kube-proxy"))

    assert [bool(course.error) for course in courses] == [True, True, False]
    assert courses[2].sight.status == "ACTIVE"


def test_what_eks_is_at_is_waited_for_and_planned_upon_anew() -> None:
    addon = StubAddon("UPDATING", "UPDATING", "UPDATE_FAILED")
    addon.after_write = {"update": ["ACTIVE"]}

    course, _seconds = carry_out(addon)

    assert (addon.kinds, course.first.action) == (["update"], "update")
