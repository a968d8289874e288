"""Clusters and the add-ons on offer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jsonschema import Draft7Validator
from support.aws_errors import refused

CLOUDWATCH = "amazon-cloudwatch-observability"


def test_cluster_is_active_and_has_an_issuer(eks: Any) -> None:
    cluster = eks.describe_cluster(name="deepobs-local")["cluster"]
    assert (cluster["status"], cluster["version"]) == ("ACTIVE", "1.35")
    prefix, number = cluster["identity"]["oidc"]["issuer"].rsplit("/", 1)
    assert prefix == "https://oidc.eks.eu-west-1.amazonaws.com/id"
    assert len(number) == 32
    assert number == number.upper()


def test_clusters_are_of_one_region(eks: Any, clients: Callable[..., Any]) -> None:
    assert eks.list_clusters()["clusters"] == ["deepobs-local", "older"]
    elsewhere = clients("eks", region="us-east-1")
    assert elsewhere.list_clusters()["clusters"] == []
    with refused("ResourceNotFoundException", 404):
        elsewhere.describe_cluster(name="deepobs-local")


def test_lists_are_cut_into_pages(eks: Any) -> None:
    first = eks.list_clusters(maxResults=1)
    assert first["clusters"] == ["deepobs-local"]
    second = eks.list_clusters(maxResults=1, nextToken=first["nextToken"])
    assert second["clusters"] == ["older"]
    assert "nextToken" not in second


@pytest.mark.parametrize("token", ["made-up", "", "AAAAAAAAAAE=", "ü"])
def test_foreign_token_is_refused(eks: Any, token: str) -> None:
    with refused("InvalidParameterException"):
        eks.list_updates(name="deepobs-local", nextToken=token or "=")


def test_token_of_another_list_is_refused(eks: Any) -> None:
    token = eks.list_clusters(maxResults=1)["nextToken"]
    with refused("InvalidParameterException", message="nextToken"):
        eks.list_addons(clusterName="deepobs-local", nextToken=token)


def test_versions_of_one_addon_newest_first(eks: Any) -> None:
    (addon,) = eks.describe_addon_versions(addonName=CLOUDWATCH, kubernetesVersion="1.35")["addons"]
    versions = [version["addonVersion"] for version in addon["addonVersions"]]
    assert versions == ["v6.2.0-eksbuild.1", "v5.0.0-eksbuild.1", "v4.10.4-eksbuild.1"]
    defaults = [version["compatibilities"][0]["defaultVersion"] for version in addon["addonVersions"]]
    assert defaults == [True, False, False]
    assert (addon["defaultNamespace"], addon["owner"]) == ("amazon-cloudwatch", "aws")


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (
            {},
            [
                "adot",
                CLOUDWATCH,
                "aws-ebs-csi-driver",
                "coredns",
                "eks-pod-identity-agent",
                "kube-proxy",
                "metrics-server",
                "vpc-cni",
            ],
        ),
        ({"owners": ["community"]}, ["metrics-server"]),
        ({"types": ["observability"], "owners": ["aws"]}, ["adot", CLOUDWATCH]),
        ({"types": ["networking"]}, ["coredns", "kube-proxy", "vpc-cni"]),
        ({"owners": ["aws-marketplace"]}, []),
        ({"addonName": "unheard-of"}, []),
        ({"kubernetesVersion": "1.10"}, []),
    ],
)
def test_offers_are_filtered(eks: Any, filters: dict[str, Any], names: list[str]) -> None:
    assert [addon["addonName"] for addon in eks.describe_addon_versions(**filters)["addons"]] == names


def test_offers_are_cut_into_pages(eks: Any) -> None:
    paginator = eks.get_paginator("describe_addon_versions")
    pages = paginator.paginate(types=["networking"], PaginationConfig={"PageSize": 2})
    assert [[addon["addonName"] for addon in page["addons"]] for page in pages] == [
        ["coredns", "kube-proxy"],
        ["vpc-cni"],
    ]


def test_every_version_has_a_valid_schema(eks: Any) -> None:
    for addon in eks.describe_addon_versions()["addons"]:
        for version in addon["addonVersions"]:
            found = eks.describe_addon_configuration(addonName=addon["addonName"], addonVersion=version["addonVersion"])
            Draft7Validator.check_schema(json.loads(found["configurationSchema"]))


def test_default_of_application_signals_changed_with_version_5(eks: Any) -> None:
    def monitors_all(version: str) -> bool:
        found = eks.describe_addon_configuration(addonName=CLOUDWATCH, addonVersion=version)
        manager = json.loads(found["configurationSchema"])["properties"]["manager"]["properties"]
        default: bool = manager["applicationSignals"]["properties"]["autoMonitor"]["properties"]["monitorAllServices"][
            "default"
        ]
        return default

    assert not monitors_all("v4.10.4-eksbuild.1")
    assert monitors_all("v5.0.0-eksbuild.1")


def test_addon_says_which_policies_it_needs(eks: Any) -> None:
    found = eks.describe_addon_configuration(addonName=CLOUDWATCH, addonVersion="v6.2.0-eksbuild.1")
    assert found["podIdentityConfiguration"] == [
        {
            "serviceAccount": "cloudwatch-agent",
            "recommendedManagedPolicies": ["arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"],
        }
    ]


def test_unknown_version_has_no_configuration(eks: Any) -> None:
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        eks.describe_addon_configuration(addonName=CLOUDWATCH, addonVersion="v9")
