"""eks_addon_info against an account: how add-ons are, what waits for them, what became of their updates."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Release
from ansible_collections.deepobs.eks.plugins.modules.eks_addon_info import compare_versions
from support.admin import Admin
from support.clients import Clients
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_module
from support.scenarios.eks_addon import AGENT, create_addon, update_addon

CLUSTER = "deepobs-local"
OLD = "v4.10.4-eksbuild.1"
CONFLICT = {"errorCode": "ConfigurationConflict", "errorMessage": "Conflicts found", "resourceIds": ["agent"]}


@pytest.fixture
def installed(admin: Admin, aws: Clients) -> Clients:
    """An account whose cluster has two add-ons."""
    create_addon(aws, addonVersion=OLD, configurationValues="containerLogs:\n  enabled: no\n")
    create_addon(aws, "coredns")
    return aws


def info(**options: Any) -> dict[str, Any]:
    result = run_module("eks_addon_info", {"cluster_name": CLUSTER, **options})
    assert differences(return_documentation("eks_addon_info"), result) == []
    return result


def test_all_addons_are_told_with_what_waits_for_them(installed: Clients) -> None:
    agent, dns = info()["addons"]

    assert (agent["addon_name"], agent["status"], agent["addon_version"]) == (AGENT, "ACTIVE", OLD)
    assert agent["configuration"] == {"containerLogs": {"enabled": False}}
    assert agent["available_version"] == agent["latest_version"] != OLD
    assert dns["available_version"] in (None, dns["latest_version"])


def test_a_cluster_without_addons_has_none_to_tell(admin: Admin) -> None:
    assert info()["addons"] == []


def test_every_addon_of_the_cluster_is_told(installed: Clients) -> None:
    for name in ("vpc-cni", "kube-proxy"):
        create_addon(installed, name)

    assert [addon["addon_name"] for addon in info(versions=False)["addons"]] == [
        AGENT,
        "coredns",
        "kube-proxy",
        "vpc-cni",
    ]


def test_named_addons_alone_are_asked_for_and_absent_ones_left_out(installed: Clients, admin: Admin) -> None:
    admin.forget_calls()

    assert [addon["addon_name"] for addon in info(names=["vpc-cni", "coredns"], versions=False)["addons"]] == [
        "coredns"
    ]
    assert [call["operation"] for call in admin.calls()] == ["DescribeAddon", "DescribeAddon"]


def test_health_is_told_with_what_mends_it(admin: Admin, aws: Clients) -> None:
    issue = {"code": "InsufficientNumberOfReplicas", "message": "0 of 1"}
    with admin.outcomes({"change": "create", "addon_status": "DEGRADED", "issues": [issue]}):
        create_addon(aws)

    (addon,) = info()["addons"]

    assert addon["status"] == "DEGRADED"
    assert "no ready node" in addon["health"]["issues"][0]["remedy"]


def test_the_last_updates_are_told_the_newest_first_with_their_errors(installed: Clients, admin: Admin) -> None:
    update_addon(installed, addonVersion="v5.0.0-eksbuild.1")
    failed = {"change": "update", "addon_status": "UPDATE_FAILED", "update_status": "Failed", "errors": [CONFLICT]}
    with admin.outcomes(failed):
        update_addon(installed, configurationValues='{"containerLogs": {"enabled": true}}')

    newest, oldest = info(names=[AGENT], updates=5)["addons"][0]["updates"]

    assert (newest["status"], oldest["status"]) == ("Failed", "Successful")
    assert oldest["params"]["AddonVersion"] == "v5.0.0-eksbuild.1"
    (error,) = newest["errors"]
    assert (error["code"], error["resource_ids"]) == ("ConfigurationConflict", ["agent"])
    assert "resolve_conflicts" in error["remedy"]
    assert [update["id"] for update in info(names=[AGENT], updates=1)["addons"][0]["updates"]] == [newest["id"]]


def test_how_an_addon_can_be_configured_is_told(installed: Clients) -> None:
    (addon,) = info(names=[AGENT], schemas=True)["addons"]

    assert "containerLogs" in addon["configuration_schema"]["properties"]
    assert addon["configuration_defaults"]["containerLogs.enabled"] is True
    assert addon["configuration_defaults"]["agent.priorityClassName"] == "unknown"
    assert addon["service_accounts"] == ["cloudwatch-agent"]


@pytest.mark.parametrize("options", [{}, {"names": ["coredns"]}])
def test_a_cluster_that_is_not_there_is_a_failure(admin: Admin, options: dict[str, Any]) -> None:
    with pytest.raises(ModuleFailedError, match="gone"):
        info(cluster_name="gone", **options)


def test_the_newest_is_no_upgrade_for_one_that_is_newer() -> None:
    releases = [Release("v2", False, "", ""), Release("v1", True, "", "")]

    assert compare_versions("v3", releases) == {
        "default_version": "v1",
        "latest_version": "v2",
        "available_version": None,
    }


def test_of_an_addon_that_is_no_longer_offered_no_version_is_told() -> None:
    assert set(compare_versions("v3", []).values()) == {None}
