"""eks_preflight_info against an account: what it finds, and what it says of what is missing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.arns import Account
from ansible_collections.deepobs.eks.plugins.modules.eks_preflight_info import (
    check_cluster_status,
    check_nodes,
    check_oidc_provider,
    check_trace_destination,
    check_version,
)
from support.admin import Admin
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_module
from support.servers import free_port
from support.waiting import eventually

ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/"


def preflight(cluster: str = "deepobs-local", **options: Any) -> dict[str, Any]:
    return run_module("eks_preflight_info", {"cluster_name": cluster, **options})


def statuses(result: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["status"] for check in result["checks"]}


@pytest.fixture
def without_provider(aws: Any) -> str:
    """The issuer of the cluster, which IAM does not know."""
    issuer: str = aws.eks.describe_cluster(name="deepobs-local")["cluster"]["identity"]["oidc"]["issuer"]
    return issuer


def test_cluster_is_described_and_what_is_missing_is_named(without_provider: str) -> None:
    found = preflight()

    assert (found["changed"], found["account"]) == (False, "123456789012")
    assert found["cluster"] == {
        "name": "deepobs-local",
        "version": "1.35",
        "status": "ACTIVE",
        "issuer": without_provider,
    }
    assert statuses(found) == {
        "credentials": "ok",
        "cluster": "ok",
        "version": "ok",
        "nodes": "ok",
        "oidc_provider": "warning",
    }
    assert "irsa_create_oidc_provider" in found["checks"][-1]["remedy"]
    assert differences(return_documentation("eks_preflight_info"), found) == []


def test_registered_provider_is_found(aws: Any, without_provider: str) -> None:
    arn = aws.iam.create_open_id_connect_provider(Url=without_provider, ClientIDList=["sts.amazonaws.com"])[
        "OpenIDConnectProviderArn"
    ]
    try:
        assert statuses(preflight())["oidc_provider"] == "ok"
    finally:
        aws.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_cluster_that_is_too_old_fails_its_check(account: str) -> None:
    assert statuses(preflight(minimum_kubernetes_version="1.36"))["version"] == "failed"


def test_cluster_that_is_not_there_ends_the_checks(account: str) -> None:
    found = preflight("nowhere")

    assert (found["account"], found["cluster"]) == ("123456789012", {})
    assert statuses(found) == {"credentials": "ok", "cluster": "failed"}
    assert "nowhere" in found["checks"][-1]["message"]
    assert "deepobs_cluster_name" in found["checks"][-1]["remedy"]
    assert differences(return_documentation("eks_preflight_info"), found) == []


def test_without_credentials_the_remedy_is_named(account: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    found = preflight()

    assert (found["account"], found["cluster"], statuses(found)) == ("", {}, {"credentials": "failed"})
    assert "AWS_PROFILE" in found["checks"][0]["remedy"]
    assert differences(return_documentation("eks_preflight_info"), found) == []


def test_aws_that_does_not_answer_is_told_as_such(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    (credentials,) = preflight()["checks"]
    assert "Could not connect to the endpoint URL" in credentials["message"]


def test_cluster_that_may_not_be_described_is_a_failed_check(account: str) -> None:
    denied = {"operation": "DescribeCluster", "error": {"code": "AccessDeniedException", "status": 403}}
    with Admin(account).faults(denied):
        found = preflight()

    assert (found["cluster"], statuses(found)) == ({}, {"credentials": "ok", "cluster": "failed"})
    for part in ("DescribeCluster", "AccessDeniedException", "request id "):
        assert part in found["checks"][-1]["message"]


@pytest.mark.parametrize("operation", ["ListOpenIDConnectProviders", "ListNodegroups", "DescribeNodegroup"])
def test_providers_and_nodes_that_may_not_be_listed_fail_the_task(account: str, operation: str) -> None:
    denied = {"operation": operation, "error": {"code": "AccessDenied", "status": 403}}
    with Admin(account).faults(denied), pytest.raises(ModuleFailedError, match=operation) as caught:
        preflight()
    assert caught.value.result["error"]["code"] == "AccessDenied"
    assert "Allow the caller this action" in caught.value.result["msg"]


@pytest.mark.parametrize(
    "operation", ["GetCallerIdentity", "DescribeCluster", "ListNodegroups", "ListOpenIDConnectProviders"]
)
def test_aws_that_is_busy_is_asked_again(account: str, operation: str) -> None:
    busy = {"operation": operation, "times": 1, "error": {"code": "ThrottlingException"}}
    with Admin(account).faults(busy):
        assert "failed" not in statuses(preflight()).values()


def test_cluster_without_nodes_is_warned_about(aws: Any) -> None:
    aws.eks.delete_nodegroup(clusterName="deepobs-local", nodegroupName="default")
    eventually(lambda: not aws.eks.list_nodegroups(clusterName="deepobs-local")["nodegroups"])
    found = {check["name"]: check for check in preflight()["checks"]}["nodes"]

    assert (found["status"], "neither node groups nor" in found["message"]) == ("warning", True)
    assert "container_insights_degraded" in found["remedy"]


def group(status: str, nodes: int) -> dict[str, Any]:
    return {"nodegroupName": "spot", "status": status, "scalingConfig": {"desiredSize": nodes}}


@pytest.mark.parametrize(
    ("auto_mode", "groups", "expected", "told"),
    [
        (True, [], "ok", "Auto Mode"),
        (False, [], "warning", "neither node groups nor Auto Mode"),
        (False, [group("ACTIVE", 0)], "warning", "spot is ACTIVE with 0"),
        (False, [group("CREATING", 3)], "warning", "spot is CREATING with 3"),
        (False, [group("CREATE_FAILED", 3), group("DEGRADED", 1)], "ok", "1 nodes in node groups (spot)"),
    ],
)
def test_nodes_are_those_of_groups_that_run(auto_mode: bool, groups: list[Any], expected: str, told: str) -> None:
    found = check_nodes(auto_mode, groups)

    assert (found["status"], told in found["message"]) == (expected, True)


@pytest.mark.parametrize(("status", "expected"), [("ACTIVE", "ok"), ("UPDATING", "failed"), ("CREATING", "failed")])
def test_only_an_active_cluster_can_be_changed(status: str, expected: str) -> None:
    assert check_cluster_status({"name": "shop", "status": status})["status"] == expected


@pytest.mark.parametrize(
    ("version", "minimum", "expected"),
    [("1.30", "1.30", "ok"), ("1.35", "1.30", "ok"), ("1.9", "1.30", "failed"), ("2.0", "1.30", "ok")],
)
def test_versions_are_compared_as_numbers(version: str, minimum: str, expected: str) -> None:
    assert check_version({"version": version}, minimum)["status"] == expected


@pytest.mark.parametrize(
    ("issuer", "providers", "expected"),
    [
        (ISSUER, [f"{PROVIDER}0123456789ABCDEF"], "ok"),
        (ISSUER, [f"{PROVIDER}0123456789ABCDE"], "warning"),
        (ISSUER, [], "warning"),
        ("", [f"{PROVIDER}0123456789ABCDEF"], "failed"),
    ],
)
def test_provider_is_the_one_of_the_issuer(issuer: str, providers: list[str], expected: str) -> None:
    assert check_oidc_provider(issuer, providers)["status"] == expected


@pytest.mark.parametrize("minimum", ["latest", "1", "1.30.x", ""])
def test_minimum_that_is_no_version_is_refused(account: str, minimum: str) -> None:
    with pytest.raises(ModuleFailedError, match="minimum_kubernetes_version"):
        preflight(minimum_kubernetes_version=minimum)


def test_destination_of_traces_is_looked_at_where_spans_are_to_be_sent(aws: Any) -> None:
    assert "trace_destination" not in statuses(preflight())
    refused = {check["name"]: check for check in preflight(spans=True)["checks"]}["trace_destination"]

    assert refused["status"] == "failed"
    assert "aws xray update-trace-segment-destination --destination CloudWatchLogs" in refused["remedy"]
    policy = re.search(r"--policy-document '(.*?)'", refused["remedy"])
    assert policy is not None
    aws.logs.put_resource_policy(policyName="TransactionSearchXRayAccess", policyDocument=policy.group(1))
    aws.xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    eventually(lambda: statuses(preflight(spans=True))["trace_destination"] == "ok")
    assert differences(return_documentation("eks_preflight_info"), preflight(spans=True)) == []


def test_destination_that_may_not_be_read_fails_the_task(account: str) -> None:
    denied = {"operation": "GetTraceSegmentDestination", "error": {"code": "AccessDeniedException", "status": 403}}
    with Admin(account).faults(denied), pytest.raises(ModuleFailedError, match="GetTraceSegmentDestination"):
        preflight(spans=True)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ({"Destination": "CloudWatchLogs", "Status": "ACTIVE"}, "ok"),
        ({"Destination": "CloudWatchLogs", "Status": "PENDING"}, "warning"),
        ({"Destination": "XRay", "Status": "ACTIVE"}, "failed"),
        ({}, "failed"),
    ],
)
def test_spans_are_taken_once_the_logs_are_the_destination(destination: dict[str, str], expected: str) -> None:
    assert check_trace_destination(destination, Account("aws", "123456789012"), "eu-west-1")["status"] == expected


def test_policy_in_the_remedy_is_of_the_partition_and_region() -> None:
    found = check_trace_destination({}, Account("aws-cn", "123456789012"), "cn-north-1")
    (statement,) = json.loads(found["remedy"].split("'")[1])["Statement"]

    assert statement["Resource"][0] == "arn:aws-cn:logs:cn-north-1:123456789012:log-group:aws/spans:*"
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": "arn:aws-cn:xray:cn-north-1:123456789012:*"}
