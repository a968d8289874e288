"""What is planned with what EKS has on offer, what is refused beforehand, and how little is asked for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Catalogue
from ansible_collections.deepobs.eks.plugins.module_utils.addon_planner import make_plan
from ansible_collections.deepobs.eks.plugins.module_utils.addon_plans import AddonPlan, Desired
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from botocore.exceptions import ClientError

ARN = "arn:aws-cn:eks:cn-north-1:123456789012:addon/shop/coredns/0"
SCHEMAS: dict[str, dict[str, Any]] = {
    "v1.0.0-eksbuild.1": {"properties": {"replicas": {"default": 2}, "old": {"type": "string"}}},
    "v2.0.0-eksbuild.1": {
        "additionalProperties": False,
        "properties": {"replicas": {"default": 3, "type": "integer"}, "new": {"default": True}},
    },
}
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
    resolve_conflicts="none",
    preserve=False,
)


class StubEks:
    """A cluster for which coredns is on offer in two versions; `calls` are the reads that were made."""

    def __init__(self, *withdrawn: str, refused_with: str = "ResourceNotFoundException") -> None:
        self.calls: list[str] = []
        self.withdrawn = withdrawn
        self.refused_with = refused_with

    def describe_cluster(self, **_parameters: Any) -> dict[str, Any]:
        self.calls.append("DescribeCluster")
        return {"cluster": {"version": "1.35", "arn": "arn:aws-cn:eks:cn-north-1:123456789012:cluster/shop"}}

    def describe_addon_versions(self, **_parameters: Any) -> dict[str, Any]:
        self.calls.append("DescribeAddonVersions")
        versions = [{"addonVersion": version} for version in SCHEMAS if version not in self.withdrawn]
        return {"addons": [{"addonName": "coredns", "defaultNamespace": "kube-system", "addonVersions": versions}]}

    def describe_addon_configuration(self, addonVersion: str, **_parameters: Any) -> dict[str, Any]:
        self.calls.append("DescribeAddonConfiguration")
        if addonVersion in self.withdrawn:
            raise ClientError({"Error": {"Code": self.refused_with, "Message": "no"}}, "DescribeAddonConfiguration")
        return {
            "configurationSchema": json.dumps(SCHEMAS[addonVersion]),
            "podIdentityConfiguration": [{"serviceAccount": "coredns"}],
        }


def addon(**changes: Any) -> dict[str, Any]:
    return {
        "cluster_name": "shop",
        "addon_name": "coredns",
        "addon_version": "v1.0.0-eksbuild.1",
        "addon_arn": ARN,
        "status": "ACTIVE",
        "health": {"issues": []},
        "configuration": {},
        "service_account_role_arn": None,
        "pod_identity_associations": [],
        "namespace": "kube-system",
        "tags": {},
        "publisher": "eks",
        "owner": "aws",
        "created_at": None,
        "modified_at": None,
        **changes,
    }


def plan(current: dict[str, Any] | None, eks: StubEks | None = None, **wanted: Any) -> AddonPlan:
    return make_plan(Catalogue(eks or StubEks(), "shop"), replace(DESIRED, **wanted), current)


@pytest.mark.parametrize(
    ("wanted", "calls"),
    [
        ({}, []),
        ({"version": "v1.0.0-eksbuild.1", "configuration": {"replicas": 4.0}}, []),
        ({"service_account_role_arn": "agent"}, []),
        ({"version": "v1.0.0"}, ["DescribeCluster", "DescribeAddonVersions"]),
    ],
)
def test_an_addon_as_desired_costs_no_more_reads_than_it_must(wanted: dict[str, Any], calls: list[str]) -> None:
    eks = StubEks()
    present = addon(configuration={"replicas": 4}, service_account_role_arn="arn:aws-cn:iam::123456789012:role/agent")

    assert not plan(present, eks, **wanted).changed
    assert eks.calls == calls


@pytest.mark.parametrize(
    ("present", "asked"), [({}, {"replicas": 2}), ({"replicas": 2}, {}), ({"replicas": 2.0}, {"replicas": 2})]
)
def test_a_configuration_that_only_says_the_defaults_is_no_change(present: Any, asked: Any) -> None:
    planned = plan(addon(configuration=present), configuration=asked)

    assert (planned.changed, planned.after) == (False, addon(configuration=present))


def test_the_defaults_are_those_of_the_installed_version() -> None:
    assert plan(addon(), configuration={"replicas": 3}).action == "update"


def test_a_configuration_goes_along_with_a_new_version_as_it_was_asked_for() -> None:
    planned = plan(addon(), version="latest", configuration={"replicas": 2})

    assert (planned.after or {})["configuration"] == {"replicas": 2}


def test_an_upgrade_whose_kept_configuration_does_not_fit_is_refused_with_the_paths() -> None:
    with pytest.raises(DeepobsError, match=r"present configuration.*coredns v2.0.0-eksbuild.1.*'old' was unexpected"):
        plan(addon(configuration={"old": "x"}), version="latest")


def test_an_upgrade_tells_the_defaults_that_change_and_warns_of_them() -> None:
    planned = plan(addon(), version="latest")

    assert planned.defaults is not None
    assert planned.defaults.changed == {"replicas": {"before": 2, "after": 3}}
    assert (planned.defaults.added, planned.defaults.removed) == ({"new": True}, ["old"])
    (warning,) = planned.warnings
    assert "v1.0.0-eksbuild.1 -> v2.0.0-eksbuild.1" in warning
    assert "replicas from 2 to 3; new is new and True" in warning


def test_an_upgrade_from_a_version_that_is_no_longer_offered_tells_that_all_is_unknown() -> None:
    planned = plan(addon(), StubEks("v1.0.0-eksbuild.1"), version="latest")

    assert planned.defaults is not None
    assert (planned.defaults.changed, planned.defaults.unknown) == ({}, ["new", "replicas"])


def test_going_back_is_tried_with_a_warning() -> None:
    planned = plan(addon(addon_version="v2.0.0-eksbuild.1"), version="v1.0.0")

    assert (planned.after or {})["addon_version"] == "v1.0.0-eksbuild.1"
    assert "goes back to an older version" in planned.warnings[0]


def test_of_many_defaults_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"properties": {f"option{number:02}": {"default": number} for number in range(12)}}
    monkeypatch.setitem(SCHEMAS, "v2.0.0-eksbuild.1", many)

    (warning,) = plan(addon(), version="latest").warnings

    assert "option09 is new and 9; and 2 more." in warning


def test_roles_are_found_by_their_names_in_the_partition_and_account_of_the_cluster() -> None:
    associations = [{"service_account": "coredns", "role_arn": "dns"}]

    planned = plan(None, pod_identity_associations=associations)

    assert (planned.after or {})["pod_identity_associations"] == [
        {"service_account": "coredns", "role_arn": "arn:aws-cn:iam::123456789012:role/dns"}
    ]


def test_a_role_of_another_account_is_taken_as_it_is() -> None:
    arn = "arn:aws-cn:iam::210987654321:role/path/dns"

    assert (plan(addon(), service_account_role_arn=arn).after or {})["service_account_role_arn"] == arn


def test_removing_the_role_asks_for_nothing_more() -> None:
    eks = StubEks()

    assert plan(addon(service_account_role_arn="arn:aws:iam::1:role/x"), eks, service_account_role_arn="").changed
    assert eks.calls == []


def test_an_addon_that_is_being_deleted_is_planned_as_a_new_one() -> None:
    planned = plan(addon(status="DELETING", configuration={"old": "x"}))

    assert (planned.action, planned.defaults, (planned.after or {})["configuration"]) == ("create", None, {})
    assert (planned.after or {})["addon_version"] == "v2.0.0-eksbuild.1"


def test_what_is_not_configured_is_not_checked() -> None:
    eks = StubEks()

    plan(None, eks)

    assert eks.calls == ["DescribeCluster", "DescribeAddonVersions"]


def test_a_failure_to_read_the_former_schema_is_a_failure() -> None:
    eks = StubEks("v1.0.0-eksbuild.1", refused_with="AccessDeniedException")

    with pytest.raises(DeepobsError, match="Failed to read the configuration schema"):
        plan(addon(), eks, version="latest")
