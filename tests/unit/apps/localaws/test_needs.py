"""Which actions on which resources calls need."""

from __future__ import annotations

from typing import Any

import pytest
from localaws.access.needs import Needs
from localaws.moto_gateway import MotoGateway
from localaws.service import Request

EKS = "arn:aws:eks:eu-west-1:123456789012:"
IAM = "arn:aws:iam::123456789012:"
XRAY = "arn:aws:xray:eu-west-1:123456789012:"
ROLE = f"{IAM}role/handed"
ADDON = {"clusterName": "shop", "addonName": "coredns"}
TAGS = [{"Key": "team", "Value": "shop"}]


@pytest.fixture(scope="module")
def needs() -> Needs:
    return Needs(MotoGateway("aws").iam)


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "wanted"),
    [
        ("eks", "ListClusters", {}, [("eks:ListClusters", "*")]),
        ("eks", "DescribeCluster", {"name": "shop"}, [("eks:DescribeCluster", f"{EKS}cluster/shop")]),
        ("eks", "ListUpdates", {"name": "shop"}, [("eks:ListUpdates", f"{EKS}cluster/shop")]),
        ("eks", "DescribeAddon", ADDON, [("eks:DescribeAddon", f"{EKS}addon/shop/coredns/*")]),
        (
            "eks",
            "CreateAddon",
            {**ADDON, "tags": {"a": "b"}, "serviceAccountRoleArn": ROLE},
            [
                ("eks:CreateAddon", f"{EKS}cluster/shop"),
                ("eks:TagResource", f"{EKS}addon/shop/coredns/*"),
                ("iam:PassRole", ROLE),
            ],
        ),
        (
            "eks",
            "UpdateAddon",
            {**ADDON, "podIdentityAssociations": [{"serviceAccount": "dns", "roleArn": ROLE}]},
            [
                ("eks:UpdateAddon", f"{EKS}addon/shop/coredns/*"),
                ("eks:CreatePodIdentityAssociation", f"{EKS}cluster/shop"),
                ("iam:PassRole", ROLE),
            ],
        ),
        (
            "eks",
            "UpdatePodIdentityAssociation",
            {"clusterName": "shop", "associationId": "a-1", "roleArn": ROLE},
            [
                ("eks:UpdatePodIdentityAssociation", f"{EKS}podidentityassociation/shop/a-1"),
                ("iam:PassRole", ROLE),
            ],
        ),
        (
            "iam",
            "CreateRole",
            {"RoleName": "worker", "Path": "/team/", "Tags": TAGS},
            [("iam:CreateRole", f"{IAM}role/team/worker"), ("iam:TagRole", f"{IAM}role/team/worker")],
        ),
        (
            "iam",
            "CreateOpenIDConnectProvider",
            {"Url": "https://issuer.example/id/1"},
            [("iam:CreateOpenIDConnectProvider", f"{IAM}oidc-provider/issuer.example/id/1")],
        ),
        (
            "iam",
            "AddRoleToInstanceProfile",
            {"InstanceProfileName": "node", "RoleName": "worker"},
            [
                ("iam:AddRoleToInstanceProfile", f"{IAM}instance-profile/node"),
                ("iam:PassRole", f"{IAM}role/worker"),
            ],
        ),
        ("iam", "GetPolicy", {"PolicyArn": f"{IAM}policy/own"}, [("iam:GetPolicy", f"{IAM}policy/own")]),
        ("sts", "GetCallerIdentity", {}, []),
        ("xray", "PutTraceSegments", {"TraceSegmentDocuments": []}, [("xray:PutTraceSegments", "*")]),
        (
            "xray",
            "UpdateSamplingRule",
            {"SamplingRuleUpdate": {"RuleName": "shop"}},
            [("xray:UpdateSamplingRule", f"{XRAY}sampling-rule/shop")],
        ),
        ("xray", "GetGroup", {"GroupName": "shop"}, [("xray:GetGroup", f"{XRAY}group/shop/*")]),
        ("cloudwatch", "GetMetricData", {}, [("cloudwatch:GetMetricData", "*")]),
        (
            "logs",
            "CreateLogGroup",
            {"logGroupName": "/shop", "tags": {"a": "b"}},
            [
                ("logs:CreateLogGroup", "arn:aws:logs:eu-west-1:123456789012:log-group:/shop"),
                ("logs:TagResource", "arn:aws:logs:eu-west-1:123456789012:log-group:/shop"),
            ],
        ),
    ],
)
def test_needs_of_a_call(
    needs: Needs, service: str, operation: str, parameters: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    request = Request(operation, parameters, "eu-west-1", "123456789012")
    assert [(need.action, need.resource) for need in needs.of(service, request)] == wanted
