"""Who may do what: signatures, sessions that end, users' keys, identity policies - through the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from localaws.access.sessions import Sessions
from localaws.account import create_account
from localaws.seed import Seed
from support.aws_errors import refused
from support.served_account import account_served

ACCOUNT = "123456789012"
ROOT = ("AKIAROOTROOTROOTROOT", "the secret of the account itself", None)
CLUSTER_ARN = f"arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/deepobs-local"
TRUSTS_ACCOUNT = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}


@dataclass
class Clock:
    """The account's clock: the machine's, moved on by `ahead_seconds`."""

    ahead_seconds: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_seconds


Keys = tuple[str, str, str | None]


@dataclass
class Stage:
    """A served account, with clients by whoever's keys."""

    url: str
    clock: Clock
    root: Keys = ROOT

    def client(self, service: str, keys: Keys | None = None, region: str = "eu-west-1") -> Any:
        anything: Any = boto3
        key, secret, token = keys or self.root
        return anything.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def role(self, name: str, *statements: dict[str, Any], trust: dict[str, Any] = TRUSTS_ACCOUNT) -> str:
        iam = self.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(*statements))
        return arn

    def session(self, role_arn: str, keys: Keys | None = None, **options: Any) -> Keys:
        made = self.client("sts", keys).assume_role(RoleArn=role_arn, RoleSessionName="tester", **options)
        return keys_of(made["Credentials"])

    def user(self, name: str, *statements: dict[str, Any]) -> Keys:
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"], None


def keys_of(credentials: dict[str, Any]) -> Keys:
    return credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, **elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **elements}


@pytest.fixture(scope="module")
def stage_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("access")


@pytest.fixture(scope="module")
def whole_stage(stage_folder: Path) -> Iterator[tuple[Stage, Callable[[], None]]]:
    clock = Clock()
    account = create_account(Seed(), stage_folder, clock)
    with account_served(account) as url:
        yield Stage(url, clock), account.reset


@pytest.fixture
def stage(whole_stage: tuple[Stage, Callable[[], None]]) -> Stage:
    """The account as the seed has it, at the machine's time."""
    found, reset = whole_stage
    reset()
    found.clock.ahead_seconds = 0.0
    return found


SERVICES = {
    "eks": ("list_clusters", 403),
    "xray": ("get_sampling_rules", 403),
    "logs": ("describe_log_groups", 400),
    "ecr": ("describe_repositories", 400),
    "iam": ("list_roles", 403),
    "sts": ("get_caller_identity", 403),
    "cloudwatch": ("list_metrics", 403),
}
QUERY_SERVICES = ("iam", "sts", "cloudwatch")


def call(stage: Stage, service: str, keys: Keys) -> Any:
    return getattr(stage.client(service, keys), SERVICES[service][0])()


@pytest.mark.parametrize("service", SERVICES)
def test_wrong_secret_is_told_in_each_services_words(stage: Stage, service: str) -> None:
    key, secret, _unused = stage.user("somebody", allow("*"))
    call(stage, service, (key, secret, None))
    code = "SignatureDoesNotMatch" if service in QUERY_SERVICES else "InvalidSignatureException"
    with refused(code, SERVICES[service][1], "The request signature we calculated does not match"):
        call(stage, service, (key, "another secret", None))


@pytest.mark.parametrize("service", SERVICES)
def test_unknown_token_is_told_in_each_services_words(stage: Stage, service: str) -> None:
    key, secret, token = stage.session(stage.role("worker", allow("*")))
    assert token
    code = "InvalidClientTokenId" if service in QUERY_SERVICES else "UnrecognizedClientException"
    for wrong in ((key, secret, token[:-5] + "wrong"), ("ASIAANOTHER", secret, token), (key, secret, None)):
        with refused(code, SERVICES[service][1], "The security token included in the request is invalid."):
            call(stage, service, wrong)


@pytest.mark.parametrize("service", SERVICES)
def test_session_that_is_over_is_told_in_each_services_words(stage: Stage, service: str) -> None:
    role = stage.role("worker", allow("*"))
    stage.clock.ahead_seconds = -850.0
    keys = stage.session(role, DurationSeconds=900)
    stage.clock.ahead_seconds = 0.0
    call(stage, service, keys)
    stage.clock.ahead_seconds = 60.0
    code = "ExpiredToken" if service in QUERY_SERVICES else "ExpiredTokenException"
    with refused(code, SERVICES[service][1], "The security token included in the request is expired"):
        call(stage, service, keys)


@pytest.mark.parametrize(
    ("ahead_seconds", "message"), [(310, "Signature expired: "), (-310, "Signature not yet current")]
)
def test_clocks_may_differ_by_five_minutes(stage: Stage, ahead_seconds: float, message: str) -> None:
    keys = stage.user("somebody", allow("*"))
    stage.clock.ahead_seconds = ahead_seconds * 0.9
    call(stage, "eks", keys)
    stage.clock.ahead_seconds = ahead_seconds
    with refused("InvalidSignatureException", 403, message):
        call(stage, "eks", keys)
    with refused("SignatureDoesNotMatch", 403, message):
        call(stage, "iam", keys)


def test_signature_covers_odd_characters_queries_and_compressed_bodies(stage: Stage) -> None:
    keys = stage.user("somebody", allow("*"))
    eks = stage.client("eks", keys)
    with refused("ResourceNotFoundException", 404):
        eks.list_pod_identity_associations(clusterName="no such/one~(1)", namespace="a b+c/d", maxResults=7)
    arn = CLUSTER_ARN
    eks.tag_resource(resourceArn=arn, tags={"ä": "ü & +"})
    eks.untag_resource(resourceArn=arn, tagKeys=["ä", "b c"])
    data = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(500)]
    stage.client("cloudwatch", keys).put_metric_data(Namespace="shop", MetricData=data)


def test_key_of_another_partition_is_not_known(stage: Stage) -> None:
    with refused("UnrecognizedClientException", 403):
        stage.client("eks", region="cn-north-1").list_clusters()


def test_inactive_keys_are_not_known(stage: Stage) -> None:
    keys = stage.user("somebody", allow("*"))
    iam = stage.client("iam")
    call(stage, "eks", keys)
    iam.update_access_key(UserName="somebody", AccessKeyId=keys[0], Status="Inactive")
    with refused("UnrecognizedClientException", 403):
        call(stage, "eks", keys)


def test_named_root_keys_are_verified_and_no_other_is_root(tmp_path: Path) -> None:
    key, secret, _unused = ROOT
    with account_served(create_account(Seed(root_keys={key: secret}), tmp_path)) as url:
        stage = Stage(url, Clock())
        assert stage.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
        call(stage, "eks", stage.session(stage.role("worker", allow("*"))))
        with refused("InvalidSignatureException", 403):
            call(stage, "eks", (key, "wrong", None))
        with refused("UnrecognizedClientException", 403):
            call(stage, "eks", ("AKIAUNKNOWN", "any", None))


def test_callers_know_who_they_are_without_permission(stage: Stage) -> None:
    user, session = stage.user("somebody"), stage.session(stage.role("worker"))
    identities = [stage.client("sts", keys).get_caller_identity() for keys in (stage.root, user, session)]
    assert [found["Arn"] for found in identities] == [
        f"arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:iam::{ACCOUNT}:user/somebody",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/tester",
    ]
    assert identities[2]["UserId"].endswith(":tester")


def test_sessions_outlive_a_restart_and_end_with_their_role(stage: Stage, stage_folder: Path) -> None:
    keys = stage.session(stage.role("worker", allow("*")))
    call(stage, "eks", keys)
    # The key of sessions is in the state folder.
    again = Sessions(stage_folder / "sessions.key", time.time)
    assert again.read(keys[0], str(keys[2]))
    stage.client("iam").delete_role_policy(RoleName="worker", PolicyName="inline")
    stage.client("iam").delete_role(RoleName="worker")
    with refused("UnrecognizedClientException", 403):
        call(stage, "eks", keys)


def denied_to(stage: Stage, keys: Keys, action: str, resource: str | None, because: str) -> Any:
    who = stage.client("sts", keys).get_caller_identity()["Arn"]
    where = f" on resource: {resource}" if resource else ""
    return refused("AccessDeniedException", 403, f"User: {who} is not authorized to perform: {action}{where} {because}")


def test_nothing_is_allowed_unless_a_policy_allows_it(stage: Stage) -> None:
    keys = stage.session(stage.role("worker", allow("eks:List*", "xray:GetSamplingRules")))
    stage.client("eks", keys).list_clusters()
    because = "because no identity-based policy allows the eks:DescribeCluster action"
    with denied_to(stage, keys, "eks:DescribeCluster", CLUSTER_ARN, because):
        stage.client("eks", keys).describe_cluster(name="deepobs-local")
    call(stage, "xray", keys)
    with denied_to(stage, keys, "xray:GetServiceGraph", None, "because no identity-based policy"):
        stage.client("xray", keys).get_service_graph(StartTime=time.time() - 60, EndTime=time.time())
    with refused("AccessDenied", 403, "iam:ListRoles because no identity-based policy allows the iam:ListRoles action"):
        call(stage, "iam", keys)
    with refused("AccessDeniedException", 400, "ecr:DescribeRepositories"):
        call(stage, "ecr", keys)
    with refused("AccessDenied", 403, "cloudwatch:ListMetrics"):
        call(stage, "cloudwatch", keys)


def test_explicit_deny_wins(stage: Stage) -> None:
    keys = stage.user("somebody", allow("eks:*"), allow("eks:Describe*", Effect="Deny"))
    call(stage, "eks", keys)
    with denied_to(
        stage, keys, "eks:DescribeCluster", CLUSTER_ARN, "with an explicit deny in an identity-based policy"
    ):
        stage.client("eks", keys).describe_cluster(name="deepobs-local")


def test_attached_policies_count_in_their_default_version(stage: Stage) -> None:
    iam, role = stage.client("iam"), stage.role("worker")
    keys = stage.session(role)
    arn = iam.create_policy(PolicyName="reading", PolicyDocument=policy(allow("xray:*")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="worker", PolicyArn=arn)
    with refused("AccessDeniedException", 403):
        call(stage, "eks", keys)
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("eks:*")), SetAsDefault=True)
    call(stage, "eks", keys)
    iam.attach_role_policy(RoleName="worker", PolicyArn="arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess")
    call(stage, "xray", keys)


def test_boundary_and_session_policies_only_take_away(stage: Stage) -> None:
    iam, role = stage.client("iam"), stage.role("worker", allow("eks:*", "xray:*"))
    bounded = stage.session(role, Policy=policy(allow("eks:*", "iam:*")))
    call(stage, "eks", bounded)
    with denied_to(stage, bounded, "xray:GetSamplingRules", None, "because no session policy allows the xray:Get"):
        call(stage, "xray", bounded)
    with refused("AccessDenied", 403, "because no identity-based policy allows the iam:ListRoles action"):
        call(stage, "iam", bounded)
    arn = iam.create_policy(PolicyName="bound", PolicyDocument=policy(allow("xray:*")))["Policy"]["Arn"]
    by_arn = stage.session(role, PolicyArns=[{"arn": arn}])
    call(stage, "xray", by_arn)
    with denied_to(stage, by_arn, "eks:ListClusters", None, "because no session policy allows"):
        call(stage, "eks", by_arn)
    iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=arn)
    free = stage.session(role)
    call(stage, "xray", free)
    with denied_to(stage, free, "eks:ListClusters", None, "because no permissions boundary allows the eks:ListC"):
        call(stage, "eks", free)


def test_resources_and_conditions_narrow_what_is_allowed(stage: Stage) -> None:
    keys = stage.session(
        stage.role(
            "worker",
            allow("eks:DescribeCluster", Resource=f"{CLUSTER_ARN[:-5]}*"),
            allow("cloudwatch:PutMetricData", Condition={"StringEquals": {"cloudwatch:namespace": "shop"}}),
            allow("iam:AttachRolePolicy", Condition={"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/AWSX*"}}),
            allow("iam:Get*", Resource=f"arn:aws:iam::{ACCOUNT}:role/team/${{aws:PrincipalTag/none}}"),
            {"Effect": "Allow", "NotAction": ["iam:*", "eks:*", "cloudwatch:*"], "NotResource": "arn:aws:logs:*:*:*"},
        )
    )
    stage.client("eks", keys).describe_cluster(name="deepobs-local")
    with refused("AccessDeniedException", 403, "cluster/other"):
        stage.client("eks", keys).describe_cluster(name="other")
    data = [{"MetricName": "m", "Value": 1.0}]
    stage.client("cloudwatch", keys).put_metric_data(Namespace="shop", MetricData=data)
    with refused("AccessDenied", 403, "cloudwatch:PutMetricData"):
        stage.client("cloudwatch", keys).put_metric_data(Namespace="other", MetricData=data)
    attach = {"RoleName": "worker", "PolicyArn": "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"}
    stage.client("iam", keys).attach_role_policy(**attach)
    with refused("AccessDenied", 403, f"iam:AttachRolePolicy on resource: arn:aws:iam::{ACCOUNT}:role/worker"):
        stage.client("iam", keys).attach_role_policy(**{**attach, "PolicyArn": "arn:aws:iam::aws:policy/IAMFullAccess"})
    call(stage, "xray", keys)
    with refused("AccessDeniedException", 400, "logs:CreateLogGroup on resource: arn:aws:logs:eu-west-1"):
        stage.client("logs", keys).create_log_group(logGroupName="any")


@pytest.mark.parametrize(
    ("missing", "parameters"),
    [
        ("eks:TagResource", {"tags": {"a": "b"}}),
        ("iam:PassRole", {"serviceAccountRoleArn": f"arn:aws:iam::{ACCOUNT}:role/a/handed"}),
        (
            "eks:CreatePodIdentityAssociation",
            {
                "podIdentityAssociations": [
                    {"serviceAccount": "aws-node", "roleArn": f"arn:aws:iam::{ACCOUNT}:role/a/handed"}
                ]
            },
        ),
    ],
)
def test_creating_an_addon_needs_more_for_what_is_handed_to_it(
    stage: Stage, missing: str, parameters: dict[str, Any]
) -> None:
    eks = stage.client("eks", stage.user("somebody", allow("eks:CreateAddon")))
    addon = {"clusterName": "deepobs-local", "addonName": "vpc-cni"}
    with refused("AccessDeniedException", 403, f"not authorized to perform: {missing}"):
        eks.create_addon(**addon, **parameters)
    eks.create_addon(**addon)


def test_role_is_passed_only_to_the_service_that_is_allowed(stage: Stage) -> None:
    condition = {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}
    keys = stage.user("somebody", allow("eks:*"), allow("iam:PassRole", Condition=condition))
    role = stage.role("handed")
    with refused("AccessDeniedException", 403, f"iam:PassRole on resource: {role}"):
        stage.client("eks", keys).create_addon(
            clusterName="deepobs-local", addonName="vpc-cni", serviceAccountRoleArn=role
        )
    with refused("InvalidParameterException", message="Trust policy"):
        stage.client("eks", keys).create_pod_identity_association(
            clusterName="deepobs-local", namespace="shop", serviceAccount="shop", roleArn=role
        )


def test_tags_at_creation_need_their_own_action(stage: Stage) -> None:
    keys = stage.user(
        "somebody", allow("iam:Create*"), allow("iam:TagRole", Condition={"Null": {"aws:TagKeys": "false"}})
    )
    iam, tags = stage.client("iam", keys), [{"Key": "team", "Value": "shop"}]
    iam.create_role(RoleName="tagged", Path="/a/", AssumeRolePolicyDocument=policy(TRUSTS_ACCOUNT), Tags=tags)
    with refused("AccessDenied", 403, f"iam:TagPolicy on resource: arn:aws:iam::{ACCOUNT}:policy/a/tagged"):
        iam.create_policy(PolicyName="tagged", Path="/a/", PolicyDocument=policy(allow("xray:*")), Tags=tags)
    with refused("AccessDenied", 403, f"iam:GetRole on resource: arn:aws:iam::{ACCOUNT}:role/a/tagged"):
        iam.get_role(RoleName="tagged")


def test_account_trusted_by_a_role_still_needs_its_callers_permission(stage: Stage) -> None:
    role = stage.role("target")
    powerless, able = stage.user("powerless"), stage.user("able", allow("sts:AssumeRole", Resource=role))
    with refused(
        "AccessDenied", 403, f"user/powerless is not authorized to perform: sts:AssumeRole on resource: {role}"
    ):
        stage.session(role, powerless)
    assert stage.session(role, able)


def test_caller_named_by_a_role_needs_no_permission_but_may_be_denied_it(stage: Stage) -> None:
    for name in ("named", "forbidden"):
        deny = [allow("sts:*", Effect="Deny")] if name == "forbidden" else []
        keys = stage.user(name, *deny)
        trust = {**TRUSTS_ACCOUNT, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}}
        role = stage.role(f"by-{name}", trust=trust)
        if name == "named":
            assert stage.session(role, keys)
        else:
            with refused("AccessDenied", 403):
                stage.session(role, keys)


def test_chained_session_is_an_hour_at_most(stage: Stage) -> None:
    first = stage.session(stage.role("first", allow("sts:AssumeRole")))
    second = stage.role("second")
    stage.client("iam").update_role(RoleName="second", MaxSessionDuration=7200)
    stage.session(second, DurationSeconds=7200)
    with refused("ValidationError", message="DurationSeconds exceeds"):
        stage.session(second, first, DurationSeconds=7200)
    assert stage.session(second, first)
