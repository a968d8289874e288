"""The daemon before the stand-in of AWS: from a datagram to a trace, with a role that comes late."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_xray_sdk.core.sampling.connector import ServiceConnector
from support.localaws import CLIENT_ENVIRONMENT, localaws_server
from support.xray_daemon import RunningDaemon, Start

HEADER = b'{"format":"json","version":1}\n'
CLUSTER = "deepobs-local"
ROLE = "arn:aws:iam::123456789012:role/xray-daemon"
AUDIENCE = "sts.amazonaws.com"
SUBJECT = "system:serviceaccount:xray-daemon:xray-daemon"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "token"


@pytest.fixture
def aws(tmp_path: Path, token_file: Path) -> Iterator[str]:
    """The stand-in's URL; it projects the service account's token."""
    token = {"namespace": "xray-daemon", "service_account": "xray-daemon", "path": str(token_file)}
    cluster = {"name": CLUSTER, "version": "1.35", "project_tokens": [token]}
    with localaws_server(tmp_path, {"region": "eu-west-1", "clusters": [cluster]}) as url:
        yield url


def client(service: Any, url: str) -> Any:
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id=CLIENT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CLIENT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    )


def create_role(url: str) -> None:
    """The daemon's role, which its service account may assume."""
    iam, issuer = (
        client("iam", url),
        client("eks", url).describe_cluster(name=CLUSTER)["cluster"]["identity"]["oidc"]["issuer"],
    )
    provider = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=[AUDIENCE], ThumbprintList=["0" * 40])
    host = issuer.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{host}:aud": AUDIENCE, f"{host}:sub": SUBJECT}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    # It trusts nobody with the token until it may do what the daemon does.
    waiting = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="xray-daemon",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [waiting]}),
    )
    iam.attach_role_policy(RoleName="xray-daemon", PolicyArn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
    iam.update_assume_role_policy(RoleName="xray-daemon", PolicyDocument=document)


def traces(url: str) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    window = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=1)}
    found: list[dict[str, Any]] = client("xray", url).get_trace_summaries(**window)["TraceSummaries"]
    return found


@pytest.fixture
def denied_daemon(aws: str, token_file: Path, start_daemon: Start) -> RunningDaemon:
    """A daemon with a token for a role that there is not yet."""
    web_identity = {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file)}
    return start_daemon(aws, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", **web_identity)


def test_segments_wait_until_the_role_exists(aws: str, denied_daemon: RunningDaemon) -> None:
    now = time.time()
    trace_ids = {f"1-{int(now):08x}-{number:024x}" for number in range(70)}
    common = {"id": "00000000000000a1", "name": "shop", "start_time": now, "end_time": now + 0.1}
    denied_daemon.send(*(HEADER + json.dumps({**common, "trace_id": trace_id}).encode() for trace_id in trace_ids))
    assert denied_daemon.wait(received=70)["queued"] == 70
    create_role(aws)
    stats = denied_daemon.wait(sent=70)
    assert (stats["queued"], stats["rejected"]) == (0, 0)
    assert {trace["Id"] for trace in traces(aws)} == trace_ids
    warnings = [
        line.partition(" WARNING ")[2] for line in denied_daemon.terminate().splitlines() if " WARNING " in line
    ]
    assert f"AWS denies AssumeRoleWithWebIdentity to role {ROLE}" in warnings[0]
    assert len(set(warnings)) == len(warnings)


def test_refused_segments_are_counted_apart(aws: str, start_daemon: Start) -> None:
    daemon = start_daemon(aws)
    daemon.send(HEADER + b'{"name":"nameless"}', HEADER + b"no JSON")
    daemon.wait(rejected=2, sent=0, queued=0)
    assert traces(aws) == []
    assert "X-Ray refuses segment None: MissingId" in daemon.terminate()


def test_sdk_samples_by_the_rules_of_the_account(aws: str, start_daemon: Start) -> None:
    daemon = start_daemon(aws)
    connector = ServiceConnector()
    connector.setup_xray_client("127.0.0.1", str(daemon.port), None)
    (rule,) = connector.fetch_sampling_rules()
    assert (rule.name, rule.priority, rule.rate) == ("Default", 10000, 0.05)
    rule.increment_request_count()
    targets, modified = connector.fetch_sampling_target([rule])
    assert {name: (target["rate"], target["quota"]) for name, target in targets.items()} == {"Default": (0.05, 1)}
    assert 0 < modified <= targets["Default"]["TTL"]
