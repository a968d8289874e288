"""Clusters in the partitions of China and of the US government."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.localaws import CLIENT_ENVIRONMENT, localaws_server


@pytest.fixture
def eks_in(tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Starts an account whose region it is; a client of its EKS."""
    with ExitStack() as servers:

        def start(region: str) -> Any:
            seed = {"region": region, "clusters": [{"name": "shop"}]}
            make: Any = boto3.client  # its stubs want the service's name as a literal
            return make(
                "eks",
                region_name=region,
                endpoint_url=servers.enter_context(localaws_server(tmp_path, seed)),
                aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            )

        yield start


@pytest.mark.parametrize(
    ("region", "partition", "dns_suffix"),
    [("cn-north-1", "aws-cn", "amazonaws.com.cn"), ("us-gov-west-1", "aws-us-gov", "amazonaws.com")],
)
def test_arns_and_hosts_are_of_the_partition(
    eks_in: Callable[[str], Any], region: str, partition: str, dns_suffix: str
) -> None:
    eks = eks_in(region)
    cluster = eks.describe_cluster(name="shop")["cluster"]
    assert cluster["arn"] == f"arn:{partition}:eks:{region}:123456789012:cluster/shop"
    assert cluster["identity"]["oidc"]["issuer"].startswith(f"https://oidc.eks.{region}.{dns_suffix}/id/")
    assert cluster["endpoint"].endswith(f".{region}.eks.{dns_suffix}")
    assert cluster["roleArn"].startswith(f"arn:{partition}:iam::")
    addon = eks.create_addon(clusterName="shop", addonName="coredns")["addon"]
    assert addon["addonArn"].startswith(f"arn:{partition}:eks:{region}:123456789012:addon/shop/coredns/")
    eks.tag_resource(resourceArn=addon["addonArn"], tags={"team": "shop"})
    assert eks.list_tags_for_resource(resourceArn=addon["addonArn"])["tags"] == {"team": "shop"}
    found = eks.describe_addon_configuration(addonName="adot", addonVersion="v0.141.0-eksbuild.1")
    policies = [policy for item in found["podIdentityConfiguration"] for policy in item["recommendedManagedPolicies"]]
    assert all(policy.startswith(f"arn:{partition}:iam::aws:policy/") for policy in policies)
