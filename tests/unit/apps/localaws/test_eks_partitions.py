"""Clusters in the partitions of China and of the US government."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.aws_errors import refused
from support.clients import Clients
from support.localaws import CLIENT_ENVIRONMENT, localaws_server
from support.scenarios.eks_pod_identity_association import with_roles


@pytest.fixture
def account_in(tmp_path: Path) -> Iterator[Callable[[str], Clients]]:
    """Starts an account whose region it is; clients of it."""
    with ExitStack() as stack:

        def start(region: str) -> Clients:
            seed = {"region": region, "clusters": [{"name": "shop"}]}
            clients = Clients(
                region_name=region,
                endpoint_url=stack.enter_context(localaws_server(tmp_path, seed)),
                aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            )
            stack.callback(clients.close)
            return clients

        yield start


@pytest.mark.parametrize(
    ("region", "partition", "dns_suffix"),
    [("cn-north-1", "aws-cn", "amazonaws.com.cn"), ("us-gov-west-1", "aws-us-gov", "amazonaws.com")],
)
def test_arns_and_hosts_are_of_the_partition(
    account_in: Callable[[str], Clients], region: str, partition: str, dns_suffix: str
) -> None:
    eks = account_in(region).eks
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


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_associations_take_roles_of_the_partition(
    account_in: Callable[[str], Clients], region: str, partition: str
) -> None:
    account = account_in(region)
    with_roles(account)
    place = {"clusterName": "shop", "namespace": "shop", "serviceAccount": "backend"}
    role_arn = f"arn:{partition}:iam::123456789012:role/backend"
    made = account.eks.create_pod_identity_association(**place, roleArn=role_arn)["association"]
    assert made["associationArn"].startswith(f"arn:{partition}:eks:{region}:123456789012:podidentityassociation/shop/")
    with refused("InvalidParameterException", message="Role provided in the request does not exist."):
        account.eks.update_pod_identity_association(
            clusterName="shop", associationId=made["associationId"], roleArn="arn:aws:iam::123456789012:role/frontend"
        )
