"""Which of an add-on's statuses are final, and what is said of them."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_health import Sight, describe, is_final, judge
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

MODEL: Any = botocore.session.get_session().get_service_model("eks")


def addon(status: str) -> dict[str, Any]:
    return {
        "addon_name": "coredns",
        "addon_version": "v1",
        "cluster_name": "shop",
        "status": status,
        "health": {"issues": []},
    }


@pytest.mark.parametrize("status", MODEL.shape_for("AddonStatus").enum)
def test_waiting_ends_at_every_status_but_those_eks_is_at_work_in(status: str) -> None:
    sight = Sight(addon(status), degraded_seconds=120)

    assert is_final(sight, "fail", 120) == (status not in ("CREATING", "UPDATING", "DELETING"))


@pytest.mark.parametrize(("update", "final"), [("InProgress", False), ("Successful", True), ("Failed", True)])
def test_an_update_is_followed_to_its_end(update: str, final: bool) -> None:
    assert is_final(Sight(addon("ACTIVE"), {"status": update}), "fail", 120) == final


@pytest.mark.parametrize(
    ("degraded", "seconds", "final"), [("fail", 119, False), ("warn", 119, False), ("accept", 0, True)]
)
def test_degraded_is_final_when_its_time_is_over_or_it_is_accepted(degraded: str, seconds: int, final: bool) -> None:
    assert is_final(Sight(addon("DEGRADED"), degraded_seconds=seconds), degraded, 120) == final


@pytest.mark.parametrize(("seconds", "final"), [(119, False), (120, True)])
def test_degraded_after_a_failed_update_is_given_its_time_even_where_it_is_accepted(seconds: int, final: bool) -> None:
    assert is_final(Sight(addon("DEGRADED"), {"status": "Failed"}, seconds), "accept", 120) == final


def test_a_failed_update_did_its_work_only_where_the_roles_of_all_service_accounts_are_those_asked_for() -> None:
    same: dict[str, Any] = {"configuration": {}, "service_account_role_arn": None}
    roles = [{"service_account": name, "role_arn": f"arn:aws:iam::123456789012:role/{name}"} for name in "ab"]
    wanted = {**addon("ACTIVE"), **same, "pod_identity_associations": roles}
    failed = {"status": "Failed", "errors": [{"errorCode": "AccessDenied", "errorMessage": "no"}]}

    assert len(judge(Sight({**wanted, "pod_identity_associations": roles[::-1]}, failed), wanted, "fail")) == 1
    with pytest.raises(DeepobsError, match="its update is Failed: AccessDenied"):
        judge(Sight({**wanted, "pod_identity_associations": roles[:1]}, failed), wanted, "fail")


def test_a_status_without_a_reason_says_so() -> None:
    assert describe(Sight(addon("CREATE_FAILED"))) == (
        "Add-on coredns v1 of cluster shop is CREATE_FAILED: EKS names no reason."
    )
