"""`python -m localaws serve` as its users run it: bad options, tokens on disk, the end by a signal."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import jwt
import pytest
from support.localaws import localaws_server

APPS = Path(__file__).resolve().parents[4] / "apps"


def serve(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "localaws", "serve", *options]
    environment = {**os.environ, "PYTHONPATH": str(APPS)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_busy_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve("--port", str(port), "--state-dir", str(tmp_path))
    assert ended.returncode == 2
    assert f"--port {port}" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ("{", "not JSON"),
        ("[]", "seed: an object is wanted"),
        ('{"regions": []}', "unknown key 'regions'"),
        ('{"region": "moon"}', "region: 'moon'"),
        ('{"clusters": [{}]}', "name: a text is wanted"),
        ('{"clusters": [{"name": "a b"}]}', "clusters[].name: 'a b'"),
        ('{"clusters": [{"name": "a"}, {"name": "a"}]}', "a name is there twice"),
        ('{"clusters": [{"name": "a", "version": "1.2"}]}', "clusters[].version: '1.2'"),
        ('{"transition_seconds": -1}', "transition_seconds"),
        (
            '{"clusters": [{"name": "a", "project_tokens":'
            ' [{"namespace": "n", "service_account": "s", "path": "t"}]}]}',
            "project_tokens[].path: 't' is not absolute",
        ),
    ],
)
def test_bad_seed_is_named(tmp_path: Path, seed: str, words: str) -> None:
    path = tmp_path / "seed.json"
    path.write_text(seed)
    ended = serve("--seed", str(path), "--state-dir", str(tmp_path / "state"))
    assert ended.returncode == 2
    assert f"--seed {path}: " in ended.stderr
    assert words in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not (tmp_path / "state").exists()


def test_missing_seed_is_named(tmp_path: Path) -> None:
    ended = serve("--seed", str(tmp_path / "none.json"), "--state-dir", str(tmp_path))
    assert (ended.returncode, "No such file" in ended.stderr) == (2, True)


def test_state_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = serve("--port", "0", "--state-dir", str(tmp_path / "file"))
    assert (ended.returncode, f"--state-dir {tmp_path / 'file'}" in ended.stderr) == (2, True)


def test_spoiled_key_is_named(tmp_path: Path) -> None:
    key = tmp_path / "issuers" / "deepobs-local.pem"
    key.parent.mkdir()
    key.write_text("spoiled")
    ended = serve("--port", "0", "--state-dir", str(tmp_path))
    assert (ended.returncode, str(key) in ended.stderr) == (2, True)


def test_token_is_for_its_reader_alone_and_signed_by_the_published_key(tmp_path: Path) -> None:
    path = tmp_path / "tokens" / "daemon"
    token = {"namespace": "xray-daemon", "service_account": "xray-daemon", "path": str(path)}
    with localaws_server(tmp_path, {"clusters": [{"name": "shop", "project_tokens": [token]}]}) as url:
        with urlopen(f"{url}/_localaws/clusters/shop/jwks") as reply:
            keys = jwt.PyJWKSet.from_dict(json.load(reply))
        text = path.read_text()
        key = keys[jwt.get_unverified_header(text)["kid"]]
        claims = jwt.decode(text, key, algorithms=["RS256"], audience="sts.amazonaws.com")
    assert claims["sub"] == "system:serviceaccount:xray-daemon:xray-daemon"
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert claims["iss"].startswith("https://oidc.eks.eu-west-1.amazonaws.com/id/")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state" / "issuers" / "shop.pem").stat().st_mode) == 0o600


def published(url: str) -> Any:
    with urlopen(f"{url}/_localaws/clusters/deepobs-local/jwks") as reply:
        return json.load(reply)


def test_issuer_and_key_outlive_the_process(tmp_path: Path) -> None:
    with localaws_server(tmp_path) as url:
        first = published(url)
    with localaws_server(tmp_path) as url:
        assert published(url) == first


def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "localaws", "serve", "--port", "0", "--state-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(APPS)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "ready at http://127.0.0.1:" in process.stderr.readline()
        process.terminate()
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == ""


def state_of(url: str) -> Any:
    with urlopen(f"{url}/_localaws/state") as reply:
        return json.load(reply)


def test_state_does_not_tell_who_read(localaws_url: str, clients: Callable[..., Any]) -> None:
    before = state_of(localaws_url)
    xray, cloudwatch = (clients(service, region="eu-north-1") for service in ("xray", "cloudwatch"))
    xray.get_sampling_rules()
    cloudwatch.list_metrics()
    assert state_of(localaws_url) == before
    xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Default", "FixedRate": 0.5})
    during = state_of(localaws_url)["xray"]["eu-north-1"]["sampling_rules"]
    assert [(rule["RuleName"], rule["FixedRate"]) for rule in during] == [("Default", 0.5)]
    xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Default", "FixedRate": 0.05})
    assert state_of(localaws_url) == before


def test_state_is_what_it_was_after_all_is_undone(localaws_url: str, clients: Callable[..., Any]) -> None:
    before = state_of(localaws_url)
    iam: Any = clients("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName="passing", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="passing", PolicyArn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
    during = state_of(localaws_url)
    assert during["iam"]["roles"]["passing"]["arn"] == arn
    assert during["iam"]["roles"]["passing"]["attached_policies"] == [
        "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
    ]
    iam.detach_role_policy(RoleName="passing", PolicyArn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
    iam.delete_role(RoleName="passing")
    assert state_of(localaws_url) == before


def test_threads_do_not_disturb_each_other(localaws_url: str) -> None:
    def make(number: int) -> str:
        iam = boto3.session.Session().client(
            "iam",
            region_name="eu-west-1",
            endpoint_url=localaws_url,
            aws_access_key_id="a" * 16,
            aws_secret_access_key="b",
        )
        trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        name: str = iam.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=document)["Role"]["RoleName"]
        return name

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(make, range(16))) == sorted(f"role-{number}" for number in range(16))
