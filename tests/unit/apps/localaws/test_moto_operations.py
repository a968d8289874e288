"""Every operation that is passed on to moto works and answers in the model's shape."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.model import OperationModel
from localaws.moto_gateway import ALLOWED
from support.aws_errors import refused

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}
)
TAGS = [{"Key": "team", "Value": "shop"}]


def use_roles(iam: Any) -> None:
    role = {"RoleName": "used"}
    iam.create_role(**role, AssumeRolePolicyDocument=TRUST)
    iam.update_assume_role_policy(**role, PolicyDocument=TRUST)
    iam.update_role(**role, MaxSessionDuration=7200)
    iam.update_role_description(**role, Description="described")
    found = iam.get_role(**role)["Role"]
    assert (found["MaxSessionDuration"], found["Description"]) == (7200, "described")
    iam.tag_role(**role, Tags=TAGS)
    assert iam.list_role_tags(**role)["Tags"] == TAGS
    iam.untag_role(**role, TagKeys=["team"])
    assert iam.list_role_tags(**role)["Tags"] == []
    iam.put_role_policy(**role, PolicyName="inline", PolicyDocument=POLICY)
    assert iam.list_role_policies(**role)["PolicyNames"] == ["inline"]
    assert iam.get_role_policy(**role, PolicyName="inline")["PolicyDocument"] == json.loads(POLICY)
    iam.delete_role_policy(**role, PolicyName="inline")
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.put_role_permissions_boundary(**role, PermissionsBoundary=boundary)
    assert iam.get_role(**role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    iam.delete_role_permissions_boundary(**role)
    assert "PermissionsBoundary" not in iam.get_role(**role)["Role"]
    assert "used" in [each["RoleName"] for each in iam.list_roles()["Roles"]]


def use_policies(iam: Any) -> None:
    policy = {"PolicyArn": iam.create_policy(PolicyName="used", PolicyDocument=POLICY)["Policy"]["Arn"]}
    version = iam.create_policy_version(**policy, PolicyDocument=POLICY)["PolicyVersion"]["VersionId"]
    iam.set_default_policy_version(**policy, VersionId=version)
    assert iam.get_policy(**policy)["Policy"]["DefaultVersionId"] == version
    assert len(iam.list_policy_versions(**policy)["Versions"]) == 2
    assert iam.get_policy_version(**policy, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(POLICY)
    iam.delete_policy_version(**policy, VersionId="v1")
    iam.tag_policy(**policy, Tags=TAGS)
    assert iam.list_policy_tags(**policy)["Tags"] == TAGS
    iam.untag_policy(**policy, TagKeys=["team"])
    iam.attach_role_policy(RoleName="used", **policy)
    assert [item["RoleName"] for item in iam.list_entities_for_policy(**policy)["PolicyRoles"]] == ["used"]
    assert len(iam.list_attached_role_policies(RoleName="used")["AttachedPolicies"]) == 1
    assert [item["Arn"] for item in iam.list_policies(Scope="Local")["Policies"]] == [policy["PolicyArn"]]
    iam.detach_role_policy(RoleName="used", **policy)
    iam.delete_policy(**policy)


def use_profiles(iam: Any) -> None:
    profile = {"InstanceProfileName": "used"}
    iam.create_instance_profile(**profile)
    iam.add_role_to_instance_profile(**profile, RoleName="used")
    assert iam.get_instance_profile(**profile)["InstanceProfile"]["Roles"][0]["RoleName"] == "used"
    assert len(iam.list_instance_profiles_for_role(RoleName="used")["InstanceProfiles"]) == 1
    assert len(iam.list_instance_profiles()["InstanceProfiles"]) == 1
    iam.remove_role_from_instance_profile(**profile, RoleName="used")
    iam.delete_instance_profile(**profile)
    iam.delete_role(RoleName="used")


def use_providers(iam: Any) -> None:
    url = "https://oidc.eks.eu-west-1.amazonaws.com/id/USED"
    made = iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40])
    provider = {"OpenIDConnectProviderArn": made["OpenIDConnectProviderArn"]}
    iam.update_open_id_connect_provider_thumbprint(**provider, ThumbprintList=["b" * 40])
    assert iam.get_open_id_connect_provider(**provider)["ThumbprintList"] == ["b" * 40]
    iam.tag_open_id_connect_provider(**provider, Tags=TAGS)
    assert iam.list_open_id_connect_provider_tags(**provider)["Tags"] == TAGS
    iam.untag_open_id_connect_provider(**provider, TagKeys=["team"])
    assert len(iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]) == 1
    iam.delete_open_id_connect_provider(**provider)


def use_boundaries(iam: Any) -> None:
    boundary = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
    iam.put_role_permissions_boundary(RoleName="used", PermissionsBoundary=boundary)
    assert iam.get_role(RoleName="used")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    iam.delete_role_permissions_boundary(RoleName="used")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="used")["Role"]


def use_users(iam: Any) -> None:
    user = {"UserName": "used"}
    iam.create_user(**user, Path="/team/")
    assert iam.get_user(**user)["User"]["Arn"] == "arn:aws:iam::123456789012:user/team/used"
    key = {**user, "AccessKeyId": iam.create_access_key(**user)["AccessKey"]["AccessKeyId"]}
    iam.update_access_key(**key, Status="Inactive")
    assert [found["Status"] for found in iam.list_access_keys(**user)["AccessKeyMetadata"]] == ["Inactive"]
    iam.delete_access_key(**key)
    iam.put_user_policy(**user, PolicyName="inline", PolicyDocument=POLICY)
    assert iam.list_user_policies(**user)["PolicyNames"] == ["inline"]
    assert iam.get_user_policy(**user, PolicyName="inline")["PolicyDocument"] == json.loads(POLICY)
    iam.delete_user_policy(**user, PolicyName="inline")
    policy = {"PolicyArn": "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"}
    iam.attach_user_policy(**user, **policy)
    assert len(iam.list_attached_user_policies(**user)["AttachedPolicies"]) == 1
    iam.detach_user_policy(**user, **policy)
    assert [found["UserName"] for found in iam.list_users()["Users"]] == ["used"]
    iam.delete_user(**user)


def use_iam(iam: Any) -> None:
    use_roles(iam)
    use_boundaries(iam)
    use_users(iam)
    use_policies(iam)
    use_profiles(iam)
    use_providers(iam)


def use_logs(logs: Any) -> None:
    group, stream = {"logGroupName": "/used"}, {"logGroupName": "/used", "logStreamName": "one"}
    logs.create_log_group(**group)
    logs.put_retention_policy(**group, retentionInDays=7)
    (found,) = logs.describe_log_groups(logGroupNamePrefix="/used")["logGroups"]
    assert found["retentionInDays"] == 7
    logs.delete_retention_policy(**group)
    arn = found["arn"].removesuffix(":*")
    logs.tag_resource(resourceArn=arn, tags={"team": "shop"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "shop"}
    logs.untag_resource(resourceArn=arn, tagKeys=["team"])
    logs.create_log_stream(**stream)
    logs.put_log_events(**stream, logEvents=[{"timestamp": int(time.time() * 1000), "message": "up"}])
    assert [event["message"] for event in logs.get_log_events(**stream)["events"]] == ["up"]
    assert [event["message"] for event in logs.filter_log_events(**group)["events"]] == ["up"]
    assert len(logs.describe_log_streams(**group)["logStreams"]) == 1
    logs.delete_log_stream(**stream)
    logs.delete_log_group(**group)
    statement = {"Effect": "Allow", "Principal": {"Service": "xray.amazonaws.com"}, "Action": "*", "Resource": "*"}
    logs.put_resource_policy(policyName="used", policyDocument=json.dumps({"Statement": [statement]}))
    wrong: list[dict[str, Any]] = [
        {"Effect": "Perhaps"},
        {"Principal": {"Service": [{}]}},
        {"Action": 5},
        {"Resource": []},
        {"Condition": []},
        {"Condition": {"StringEquals": {"aws:SourceAccount": []}}},
    ]
    documents = [json.dumps({"Statement": {**statement, **members}}) for members in wrong]
    for document in ("no JSON", "{}", '{"Statement": [{"Effect": "Allow"}]}', "[" * 5000, *documents):
        with refused("InvalidParameterException"):
            logs.put_resource_policy(policyName="other", policyDocument=document)
    assert [policy["policyName"] for policy in logs.describe_resource_policies()["resourcePolicies"]] == ["used"]
    logs.delete_resource_policy(policyName="used")


def use_ecr(ecr: Any) -> None:
    arn = ecr.create_repository(repositoryName="used")["repository"]["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=TAGS)
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == TAGS
    ecr.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert ecr.get_authorization_token()["authorizationData"][0]["proxyEndpoint"]
    assert len(ecr.describe_repositories()["repositories"]) == 1
    ecr.delete_repository(repositoryName="used")


@pytest.mark.parametrize(("service", "use"), [("iam", use_iam), ("logs", use_logs), ("ecr", use_ecr)])
def test_every_operation_let_through_works(
    clients: Callable[..., Any], service: str, use: Callable[[Any], None]
) -> None:
    called: set[str] = set()
    client = clients(service)

    def note(parsed: Any, model: OperationModel, **_: Any) -> None:
        called.add(model.name)

    client.meta.events.register(f"after-call.{service}", note)
    use(client)
    assert called == ALLOWED[service]
