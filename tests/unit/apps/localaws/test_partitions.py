"""Accounts of China and of the US government: every ARN is of their partition, and so are AWS' policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from localaws.account import create_account
from localaws.seed import parse_seed
from support.aws_errors import refused
from support.served_account import account_served

PARTITIONS = {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}


@pytest.fixture(params=PARTITIONS)
def region(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(region: str, tmp_path: Path) -> Iterator[str]:
    with account_served(create_account(parse_seed({"region": region}), tmp_path)) as address:
        yield address


def client(service: str, url: str, region: str, *keys: str) -> Any:
    anything: Any = boto3
    key, secret, token = keys or ("any", "any", None)
    return anything.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_arns_are_of_the_partition(url: str, region: str) -> None:
    partition = PARTITIONS[region]
    iam, sts = client("iam", url, region), client("sts", url, region)
    root = f"arn:{partition}:iam::123456789012:root"
    assert sts.get_caller_identity()["Arn"] == root
    trust = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": trust})
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    assert role == f"arn:{partition}:iam::123456789012:role/worker"
    policy = f"arn:{partition}:iam::aws:policy/AWSXRayDaemonWriteAccess"
    iam.attach_role_policy(RoleName="worker", PolicyArn=policy)
    with refused("NoSuchEntity", 404):
        iam.attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
    provider = iam.create_open_id_connect_provider(Url="https://issuer.example/id/1", ClientIDList=["sts"])
    assert provider["OpenIDConnectProviderArn"].startswith(f"arn:{partition}:iam::123456789012:oidc-provider/")
    made = sts.assume_role(RoleArn=role, RoleSessionName="me")
    assert made["AssumedRoleUser"]["Arn"] == f"arn:{partition}:sts::123456789012:assumed-role/worker/me"
    keys = [made["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    (record,) = client("xray", url, region, *keys).get_sampling_rules()["SamplingRuleRecords"]
    assert record["SamplingRule"]["RuleARN"].startswith(f"arn:{partition}:xray:{region}:123456789012:sampling-rule/")
    with refused("AccessDeniedException", 403, f"on resource: arn:{partition}:eks:{region}:123456789012:cluster/shop"):
        client("eks", url, region, *keys).describe_cluster(name="shop")


def test_keys_are_not_known_in_another_partition(url: str) -> None:
    with refused("InvalidClientTokenId", 403):
        client("sts", url, "eu-west-1").get_caller_identity()
