"""`serve --persist`: an account outlives its process, whether that ends well or is killed."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from localaws.account import Account, create_account
from localaws.persistence import SAVE_EVERY_SECONDS, Keeper, StateFileError
from localaws.seed import Seed, parse_seed
from support.localaws_admin import admin
from support.served_account import account_served
from support.servers import free_port, wait_for_port

APPS = Path(__file__).resolve().parents[4] / "apps"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "eks:*", "Resource": "*"}]})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}],
    }
)
XRAY_POLICY = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"


def client(service: str, url: str, *keys: str) -> Any:
    anything: Any = boto3
    key, secret = keys or ("any", "any")
    return anything.client(
        service, region_name="eu-west-1", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret
    )


def fill(url: str) -> dict[str, Any]:
    """Puts something of every kind into the account; a user's key."""
    iam, eks, xray, logs = (client(service, url) for service in ("iam", "eks", "xray", "logs"))
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="worker", PolicyName="inline", PolicyDocument=POLICY)
    iam.attach_role_policy(RoleName="worker", PolicyArn=XRAY_POLICY)
    iam.create_policy(PolicyName="own", PolicyDocument=POLICY)
    iam.create_user(UserName="somebody")
    iam.put_user_policy(UserName="somebody", PolicyName="inline", PolicyDocument=POLICY)
    iam.create_open_id_connect_provider(Url="https://issuer.example/id/1", ClientIDList=["sts.amazonaws.com"])
    eks.create_addon(clusterName="deepobs-local", addonName="coredns", tags={"team": "shop"})
    eks.create_addon(clusterName="deepobs-local", addonName="vpc-cni", serviceAccountRoleArn=role)
    eks.delete_addon(clusterName="deepobs-local", addonName="vpc-cni")
    rule = {"RuleName": "kept", "ResourceARN": "*", "Priority": 10, "FixedRate": 0.1, "ReservoirSize": 1}
    rule |= dict.fromkeys(("ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath"), "*")
    xray.create_sampling_rule(SamplingRule={**rule, "Version": 1})
    put_segment(url)
    data = [{"MetricName": "orders", "Value": 7.0, "Dimensions": [{"Name": "Cluster", "Value": "shop"}]}]
    client("cloudwatch", url).put_metric_data(Namespace="shop", MetricData=data)
    logs.create_log_group(logGroupName="/kept", tags={"a": "b"})
    client("ecr", url).create_repository(repositoryName="kept")
    key: dict[str, Any] = iam.create_access_key(UserName="somebody")["AccessKey"]
    return key


def put_segment(url: str) -> str:
    now = time.time()
    trace_id = f"1-{int(now):08x}-{secrets.token_hex(12)}"
    segment = {"name": "shop", "id": secrets.token_hex(8), "trace_id": trace_id, "start_time": now, "end_time": now + 1}
    client("xray", url).put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])
    return trace_id


def seen(url: str) -> dict[str, Any]:
    """What a client sees of everything."""
    now, iam, eks, xray = time.time(), client("iam", url), client("eks", url), client("xray", url)
    summaries = xray.get_trace_summaries(StartTime=now - 600, EndTime=now + 60)["TraceSummaries"]
    statistics = client("cloudwatch", url).get_metric_statistics(
        Namespace="shop",
        MetricName="orders",
        Dimensions=[{"Name": "Cluster", "Value": "shop"}],
        StartTime=now - 600,
        EndTime=now + 60,
        Period=60,
        Statistics=["Sum"],
    )
    return {
        "state": admin(url, "GET", "state"),
        "addon": eks.describe_addon(clusterName="deepobs-local", addonName="coredns")["addon"]["addonArn"],
        "traces": xray.batch_get_traces(TraceIds=[summary["Id"] for summary in summaries])["Traces"],
        "sum": sum(point["Sum"] for point in statistics["Datapoints"]),
        "attached": iam.get_policy(PolicyArn=XRAY_POLICY)["Policy"]["AttachmentCount"],
        "groups": client("logs", url).describe_log_groups()["logGroups"],
        "repositories": client("ecr", url).describe_repositories()["repositories"],
    }


def quick_account(folder: Path) -> Account:
    return create_account(Seed(transition_seconds=0.0), folder)


def test_everything_is_there_again(tmp_path: Path) -> None:
    account = quick_account(tmp_path)
    with account_served(account) as url:
        key = fill(url)
        before = seen(url)
    keeper = Keeper(account, tmp_path / "account.json")
    account.changes += 1
    keeper.start()
    keeper.stop()
    restarted = quick_account(tmp_path)
    assert restarted.services["eks"].dump()["addons"] == {}
    Keeper(restarted, tmp_path / "account.json").load()
    with account_served(restarted) as url:
        assert seen(url) == before
        assert before["sum"] == 7.0
        assert len(before["traces"]) == 1
        assert before["attached"] == 1
        client("eks", url, key["AccessKeyId"], key["SecretAccessKey"]).delete_addon(
            clusterName="deepobs-local", addonName="coredns"
        )
        assert client("eks", url).list_addons(clusterName="deepobs-local")["addons"] == []
        client("iam", url).detach_role_policy(RoleName="worker", PolicyArn=XRAY_POLICY)
        assert client("iam", url).get_policy(PolicyArn=XRAY_POLICY)["Policy"]["AttachmentCount"] == 0


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    command = [sys.executable, "-m", "localaws", "serve", "--persist", "--port", str(port), "--state-dir", str(folder)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(APPS)})
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


def test_clean_end_loses_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as (url, process):
        trace_id = put_segment(url)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert (tmp_path / "account.json").stat().st_mode & 0o777 == 0o600
    with served(tmp_path) as (url, _process):
        assert client("xray", url).batch_get_traces(TraceIds=[trace_id])["Traces"][0]["Id"] == trace_id


def test_killed_process_leaves_a_state_that_is_a_little_old(tmp_path: Path) -> None:
    with served(tmp_path) as (url, process):
        old = put_segment(url)
        deadline = time.monotonic() + 20 * SAVE_EVERY_SECONDS
        while not (tmp_path / "account.json").exists():
            assert time.monotonic() < deadline, "nothing was saved"
            time.sleep(0.1)
        for _unused in range(20):
            put_segment(url)
        process.kill()
        process.wait()
    with served(tmp_path) as (url, _process):
        assert len(client("xray", url).batch_get_traces(TraceIds=[old])["Traces"]) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a state of localaws; delete it"),
        ("[]", "is not a state of localaws; delete it"),
        ('{"version": "0", "region": "eu-west-1"}', "is of version 0, this is 1, moto"),
    ],
)
def test_file_of_another_kind_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "account.json"
    path.write_text(content)
    with pytest.raises(StateFileError, match=message):
        Keeper(quick_account(tmp_path), path).load()


def test_file_of_another_region_is_refused(tmp_path: Path) -> None:
    account = quick_account(tmp_path)
    keeper = Keeper(account, tmp_path / "account.json")
    account.changes += 1
    keeper.start()
    keeper.stop()
    elsewhere = create_account(parse_seed({"region": "us-east-1"}), tmp_path)
    with pytest.raises(StateFileError, match="is of an account in eu-west-1, the seed's is in us-east-1"):
        Keeper(elsewhere, tmp_path / "account.json").load()
