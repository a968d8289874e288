"""The admin side: reset, and what it refuses."""

from __future__ import annotations

import time
from typing import Any

from support.localaws_admin import admin, refusal

TRUST = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"""


def test_reset_gives_the_account_of_the_seed(clients: Any, localaws_url: str) -> None:
    seeded = admin(localaws_url, "GET", "state")
    clients("iam").create_role(RoleName="passing", AssumeRolePolicyDocument=TRUST)
    clients("logs").create_log_group(logGroupName="passing")
    clients("eks").create_addon(clusterName="deepobs-local", addonName="coredns")
    clients("xray").create_sampling_rule(SamplingRule=rule("passing"))
    admin(localaws_url, "POST", "faults", {"faults": [{"operation": "GetRole", "latency_seconds": 9}]})
    assert admin(localaws_url, "GET", "state") != seeded
    assert admin(localaws_url, "POST", "reset") == {}
    assert admin(localaws_url, "GET", "state") == seeded
    assert admin(localaws_url, "GET", "faults") == {"faults": []}
    assert admin(localaws_url, "GET", "calls") == {"calls": []}
    assert clients("logs").describe_log_groups()["logGroups"] == []
    assert clients("iam").get_policy(PolicyArn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")["Policy"]


def test_reset_is_quick(localaws_url: str) -> None:
    def seconds() -> float:
        began = time.monotonic()
        admin(localaws_url, "POST", "reset")
        return time.monotonic() - began

    # The quickest of some, since a busy machine may hold up any one.
    assert min(seconds() for _unused in range(5)) < 0.5


def test_account_goes_on_after_a_reset(clients: Any, localaws_url: str) -> None:
    admin(localaws_url, "POST", "reset")
    arn = clients("iam").create_role(RoleName="after", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    clients("eks").create_addon(clusterName="deepobs-local", addonName="vpc-cni", serviceAccountRoleArn=arn)
    admin(localaws_url, "POST", "reset")
    assert admin(localaws_url, "GET", "state")["iam"]["roles"] == {}


def test_paths_and_methods_that_are_not_there_are_refused(localaws_url: str) -> None:
    assert refusal(localaws_url, "GET", "nothing") == (404, "nothing is at /_localaws/nothing")
    assert refusal(localaws_url, "PUT", "faults", {}) == (405, "only DELETE, GET, POST is answered here")


def rule(name: str) -> dict[str, Any]:
    return {
        "RuleName": name,
        "ResourceARN": "*",
        "Priority": 10,
        "FixedRate": 0.1,
        "ReservoirSize": 1,
        "ServiceName": "*",
        "ServiceType": "*",
        "Host": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "Version": 1,
    }
