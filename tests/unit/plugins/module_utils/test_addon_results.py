"""What a task tells: addons, diff, and several failures in one message."""

from __future__ import annotations

from ansible_collections.deepobs.eks.plugins.module_utils.addon_defaults import DefaultsChange
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan
from ansible_collections.deepobs.eks.plugins.module_utils.addon_results import combined, planned_result
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError, failure
from botocore.exceptions import ClientError

DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "UpdateAddon")


def test_an_upgrade_is_told_with_its_defaults_in_the_result_and_on_both_sides_of_the_diff() -> None:
    change = DefaultsChange({"a": {"before": 1, "after": 2}}, ["x", "y"], {"new": True, "dark": "unknown"}, ["old"])
    plan = AddonPlan({"addon_version": "v1"}, {"addon_version": "v2"}, "update", defaults=change)

    result = planned_result({"coredns": plan, "gone": AddonPlan({"addon_version": "v1"}, None, "delete")})

    assert result == {
        "changed": True,
        "addons": [
            {
                "addon_version": "v2",
                "changed_defaults": {"a": {"before": 1, "after": 2}},
                "unknown_defaults": ["x", "y"],
                "added_options": {"new": True, "dark": "unknown"},
                "removed_options": ["old"],
            }
        ],
        "diff": {
            "before": {
                "coredns": {"addon_version": "v1", "defaults": {"a": 1, "2 more options": "unknown"}},
                "gone": {"addon_version": "v1"},
            },
            "after": {
                "coredns": {"addon_version": "v2", "defaults": {"a": 2, "new": True, "2 more options": "unknown"}},
                "gone": {},
            },
        },
    }


def test_one_failure_keeps_its_cause_and_brings_what_was_done() -> None:
    told = failure(combined([DeepobsError("Failed to update x", DENIED)], 2, {"changed": True, "addons": []}))

    assert (told["changed"], told["addons"], told["error"]["code"]) == (True, [], "AccessDeniedException")
    assert "Failed to update x: An error occurred (AccessDeniedException)" in told["msg"]


def test_several_failures_are_told_in_one_message_each_with_its_remedy_and_once() -> None:
    errors = [
        DeepobsError("Failed to update x", DENIED),
        DeepobsError("y is bad. Mend it."),
        DeepobsError("y is bad. Mend it."),
    ]

    lines = failure(combined(errors, 4, {"changed": True}))["msg"].splitlines()

    assert lines[0] == "3 of 4 add-ons failed:"
    assert "Allow the caller this action" in lines[1]
    assert lines[2:] == ["y is bad. Mend it."]
