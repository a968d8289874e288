"""What IAM refuses beside policies: to take away what is in use."""

from __future__ import annotations

import json
from typing import Any

from support.aws_errors import refused

TRUST = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
POLICY = {"Effect": "Allow", "Action": "xray:*", "Resource": "*"}


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def test_policy_in_use_is_not_deleted(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="busy", PolicyDocument=policy(POLICY))["Policy"]["Arn"]
    iam.create_role(RoleName="busy", AssumeRolePolicyDocument=policy(TRUST))
    iam.attach_role_policy(RoleName="busy", PolicyArn=arn)
    with refused("DeleteConflict", 409, "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=arn)
    iam.detach_role_policy(RoleName="busy", PolicyArn=arn)
    iam.put_role_permissions_boundary(RoleName="busy", PermissionsBoundary=arn)
    with refused("DeleteConflict", 409, "attached to entities"):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_role_permissions_boundary(RoleName="busy")
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(POLICY))["PolicyVersion"]["VersionId"]
    with refused("DeleteConflict", 409, "more than one version"):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", 404):
        iam.delete_policy(PolicyArn=arn)


def test_user_with_access_keys_is_not_deleted(iam: Any) -> None:
    iam.create_user(UserName="keyed")
    key = iam.create_access_key(UserName="keyed")["AccessKey"]["AccessKeyId"]
    with refused("DeleteConflict", 409, "must delete access keys first"):
        iam.delete_user(UserName="keyed")
    iam.delete_access_key(UserName="keyed", AccessKeyId=key)
    iam.delete_user(UserName="keyed")


def test_role_that_a_profile_does_not_have_is_not_there(iam: Any) -> None:
    iam.create_role(RoleName="outside", AssumeRolePolicyDocument=policy(TRUST))
    iam.create_instance_profile(InstanceProfileName="empty")
    with refused("NoSuchEntity", 404, "outside"):
        iam.remove_role_from_instance_profile(InstanceProfileName="empty", RoleName="outside")


def test_tags_have_the_characters_that_aws_takes(iam: Any) -> None:
    tags = [{"Key": "équipe 1", "Value": "boutique/ß_+=@"}]
    iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=policy(TRUST), Tags=tags)
    assert iam.list_role_tags(RoleName="tagged")["Tags"] == tags
    for wrong in ("a;b", "a\tb", "a*"):
        with refused("ValidationError", message="regular expression pattern"):
            iam.tag_role(RoleName="tagged", Tags=[{"Key": wrong, "Value": ""}])
