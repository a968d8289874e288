"""How changes of add-ons end when the admin side says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.localaws_admin import admin as ask_admin
from support.localaws_admin import refusal
from support.waiting import eventually

CLUSTER, ADDON = "deepobs-local", "coredns"
NEW, OLD = "v1.13.1-eksbuild.1", "v1.12.4-eksbuild.1"
PATH = "eks/outcomes"
ISSUE = {"code": "InsufficientNumberOfReplicas", "message": "No node is ready.", "resourceIds": ["coredns"]}
ERROR = {"errorCode": "ConfigurationConflict", "errorMessage": "Conflicts found", "resourceIds": ["coredns"]}

Admin = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def admin(localaws_url: str) -> Iterator[Admin]:
    """Asks the admin side of the outcomes; takes them away at the end."""

    def ask(method: str, *outcomes: dict[str, Any]) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = ask_admin(localaws_url, method, PATH, {"outcomes": outcomes})["outcomes"]
        return listed

    yield ask
    assert ask("DELETE") == []


@pytest.fixture(autouse=True)
def _no_addon(eks: Any, admin: Admin) -> Iterator[None]:
    yield
    admin("DELETE")
    if ADDON in eks.list_addons(clusterName=CLUSTER)["addons"]:
        settled(eks)
        eks.delete_addon(clusterName=CLUSTER, addonName=ADDON)
    eventually(lambda: not eks.list_addons(clusterName=CLUSTER)["addons"])


def described(eks: Any) -> dict[str, Any]:
    addon: dict[str, Any] = eks.describe_addon(clusterName=CLUSTER, addonName=ADDON)["addon"]
    return addon


def settled(eks: Any) -> dict[str, Any]:
    """The add-on once its change has ended."""
    eventually(lambda: described(eks)["status"] not in ("CREATING", "UPDATING", "DELETING"))
    return described(eks)


def created(eks: Any, **parameters: Any) -> dict[str, Any]:
    eks.create_addon(clusterName=CLUSTER, addonName=ADDON, **parameters)
    return settled(eks)


def updated(eks: Any, **parameters: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The add-on and the update once it has ended."""
    update = eks.update_addon(clusterName=CLUSTER, addonName=ADDON, **parameters)["update"]
    addon = settled(eks)
    return addon, eks.describe_update(name=CLUSTER, addonName=ADDON, updateId=update["id"])["update"]


def test_creation_fails_with_its_issues_and_an_update_repairs_it(eks: Any, admin: Admin) -> None:
    admin("POST", {"change": "create", "addon_status": "CREATE_FAILED", "issues": [ISSUE]})
    addon = created(eks)
    assert (addon["status"], addon["health"]) == ("CREATE_FAILED", {"issues": [ISSUE]})
    addon, update = updated(eks)
    assert (addon["status"], addon["health"]["issues"], update["status"]) == ("ACTIVE", [], "Successful")


def test_failed_creation_can_be_tried_again(eks: Any, admin: Admin) -> None:
    admin("POST", {"change": "create", "addon_status": "CREATE_FAILED"})
    arn = created(eks)["addonArn"]
    again = created(eks)
    assert (again["status"], again["addonArn"]) == ("ACTIVE", arn)


def test_failed_update_tells_its_errors_and_changes_nothing(eks: Any, admin: Admin) -> None:
    created(eks, addonVersion=OLD)
    admin("POST", {"change": "update", "addon_status": "UPDATE_FAILED", "errors": [ERROR]})
    addon, update = updated(eks, addonVersion=NEW)
    assert (addon["status"], addon["addonVersion"]) == ("UPDATE_FAILED", OLD)
    assert (update["status"], update["errors"]) == ("Failed", [ERROR])
    addon, update = updated(eks, addonVersion=NEW)
    assert (addon["status"], addon["addonVersion"], update["errors"]) == ("ACTIVE", NEW, [])


def test_failed_update_leaves_degraded_what_heals_by_itself(eks: Any, admin: Admin) -> None:
    created(eks, addonVersion=OLD)
    outcome = {
        "change": "update",
        "addon_status": "DEGRADED",
        "issues": [ISSUE],
        "errors": [ERROR],
        "heals_after_seconds": 0.3,
    }
    admin("POST", outcome)
    addon, update = updated(eks, addonVersion=NEW)
    assert (addon["status"], addon["health"]["issues"]) == ("DEGRADED", [ISSUE])
    assert (update["status"], update["errors"]) == ("Failed", [ERROR])
    eventually(lambda: described(eks)["status"] == "ACTIVE")
    assert (described(eks)["health"], described(eks)["addonVersion"]) == ({"issues": []}, NEW)


def test_update_is_cancelled(eks: Any, admin: Admin) -> None:
    created(eks, addonVersion=OLD)
    admin("POST", {"change": "update", "addon_status": "ACTIVE", "update_status": "Cancelled"})
    addon, update = updated(eks, addonVersion=NEW)
    assert (addon["status"], addon["addonVersion"], update["status"]) == ("ACTIVE", OLD, "Cancelled")


def test_deletion_fails_and_can_be_tried_again(eks: Any, admin: Admin) -> None:
    created(eks)
    admin("POST", {"change": "delete", "addon_status": "DELETE_FAILED", "issues": [ISSUE]})
    eks.delete_addon(clusterName=CLUSTER, addonName=ADDON)
    assert (settled(eks)["status"], settled(eks)["health"]["issues"]) == ("DELETE_FAILED", [ISSUE])


def test_conflict_happens_unless_it_is_resolved(eks: Any, admin: Admin) -> None:
    outcome = {
        "change": "update",
        "addon_status": "UPDATE_FAILED",
        "errors": [ERROR],
        "unless_resolve_conflicts": ["OVERWRITE", "PRESERVE"],
    }
    created(eks)
    admin("POST", outcome)
    assert updated(eks, resolveConflicts="OVERWRITE")[1]["status"] == "Successful"
    assert updated(eks)[1]["errors"] == [ERROR]


def test_outcome_is_used_up_by_changes_that_fit(eks: Any, admin: Admin) -> None:
    degraded = {"change": "create", "addon_status": "DEGRADED", "times": 2}
    elsewhere = {**degraded, "cluster": "older"}
    other = {**degraded, "addon": "vpc-cni"}
    admin("POST", elsewhere, other, {**degraded, "addon": ADDON, "cluster": CLUSTER})
    assert created(eks)["status"] == "DEGRADED"
    listed = admin("GET")
    assert [outcome["times"] for outcome in listed] == [2, 2, 1]
    assert listed[0] == elsewhere


@pytest.mark.parametrize("applies", [True, False])
def test_failed_update_may_be_applied_or_not(eks: Any, admin: Admin, applies: bool) -> None:
    created(eks, addonVersion=OLD)
    admin("POST", {"change": "update", "addon_status": "UPDATE_FAILED", "applies": applies})
    assert updated(eks, addonVersion=NEW)[0]["addonVersion"] == (NEW if applies else OLD)


DEGRADED_CREATION = {"change": "create", "addon_status": "DEGRADED"}


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (1, "outcomes[0]: an object is wanted"),
        ({"change": "create"}, "addon_status: a text is wanted"),
        ({"change": "create", "addon_status": "UPDATE_FAILED"}, "create in ACTIVE, CREATE_FAILED, DEGRADED"),
        ({"change": "rename", "addon_status": "ACTIVE"}, "a change ends like this"),
        ({**DEGRADED_CREATION, "until": 3}, "unknown key 'until'"),
        ({**DEGRADED_CREATION, "update_status": "Failed"}, "only an update has applies, errors, update_status"),
        ({"change": "create", "addon_status": "ACTIVE", "heals_after_seconds": 1}, "only DEGRADED heals"),
        ({**DEGRADED_CREATION, "heals_after_seconds": -1}, "heals_after_seconds: a number from 0"),
        ({**DEGRADED_CREATION, "times": 0}, "times: a whole number of at least 1"),
        ({**DEGRADED_CREATION, "issues": [{**ISSUE, "code": "Bad"}]}, "issues: code is one of AccessDenied"),
        ({**DEGRADED_CREATION, "issues": [{**ISSUE, "resourceIds": [1]}]}, "resourceIds: a list of texts"),
        ({**DEGRADED_CREATION, "unless_resolve_conflicts": ["MAYBE"]}, "'MAYBE' is none of OVERWRITE"),
        ({"change": "update", "addon_status": "UPDATE_FAILED", "errors": [ISSUE]}, "unknown key 'code'"),
        ({"change": "update", "addon_status": "ACTIVE", "update_status": "Bad"}, "update_status: one of"),
        ({"change": "update", "addon_status": "ACTIVE", "applies": "no"}, "applies: true or false is wanted"),
    ],
)
def test_unusable_outcomes_are_refused(localaws_url: str, outcome: Any, message: str) -> None:
    status, said = refusal(localaws_url, "POST", PATH, {"outcomes": [outcome]})
    assert status == 400
    assert message in said
