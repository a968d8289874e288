"""What moto answers for, what is refused before it, and what nobody here answers for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.aws_errors import refused

EC2_TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
FEDERATED = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("iam", "list_groups", {}),
        ("eks", "create_nodegroup", {"clusterName": "a", "nodegroupName": "b", "subnets": ["c"], "nodeRole": "d"}),
        ("xray", "get_insight_summaries", {"StartTime": 0, "EndTime": 1}),
        ("sts", "get_session_token", {}),
        ("logs", "start_query", {"startTime": 0, "endTime": 1, "queryString": "fields @message"}),
        ("ecr", "describe_images", {"repositoryName": "shop"}),
        ("cloudwatch", "list_dashboards", {}),
        ("dynamodb", "list_tables", {}),
        ("sqs", "list_queues", {}),
    ],
)
def test_what_is_not_here_says_so(
    clients: Callable[..., Any], service: str, operation: str, parameters: dict[str, Any]
) -> None:
    name = "".join(word.title() for word in operation.split("_"))
    with refused("NotImplemented", 501, f"localaws does not implement {service}.{name}"):
        getattr(clients(service), operation)(**parameters)


def test_service_that_speaks_xml_says_so_too(clients: Callable[..., Any]) -> None:
    with refused("NotImplemented", 501, "localaws does not implement s3"):
        clients("s3").list_buckets()


def test_role_lives_through_its_cycle(iam: Any) -> None:
    created = iam.create_role(
        RoleName="cycle",
        Path="/shop/",
        Description="a role",
        AssumeRolePolicyDocument=json.dumps(EC2_TRUST),
        Tags=[{"Key": "team", "Value": "shop"}],
    )["Role"]
    assert created["Arn"] == "arn:aws:iam::123456789012:role/shop/cycle"
    iam.put_role_policy(RoleName="cycle", PolicyName="inline", PolicyDocument=json.dumps(POLICY))
    assert iam.get_role_policy(RoleName="cycle", PolicyName="inline")["PolicyDocument"] == POLICY
    iam.update_role(RoleName="cycle", Description="changed", MaxSessionDuration=7200)
    found = iam.get_role(RoleName="cycle")["Role"]
    assert (found["Description"], found["MaxSessionDuration"]) == ("changed", 7200)
    assert found["AssumeRolePolicyDocument"] == EC2_TRUST
    with refused("DeleteConflict", 409):
        iam.delete_role(RoleName="cycle")
    iam.delete_role_policy(RoleName="cycle", PolicyName="inline")
    iam.delete_role(RoleName="cycle")
    with refused("NoSuchEntity", 404):
        iam.get_role(RoleName="cycle")


@pytest.mark.parametrize("policy", ["CloudWatchAgentServerPolicy", "AWSXRayDaemonWriteAccess"])
def test_managed_policies_are_there_to_attach(iam: Any, policy: str) -> None:
    arn = f"arn:aws:iam::aws:policy/{policy}"
    iam.create_role(RoleName=policy, AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
    iam.attach_role_policy(RoleName=policy, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=policy)["AttachedPolicies"]
    assert attached == [{"PolicyName": policy, "PolicyArn": arn}]
    assert iam.get_policy_version(PolicyArn=arn, VersionId=iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"])
    iam.detach_role_policy(RoleName=policy, PolicyArn=arn)
    assert iam.list_attached_role_policies(RoleName=policy)["AttachedPolicies"] == []


def test_policy_that_does_not_exist_is_not_attached(iam: Any) -> None:
    iam.create_role(RoleName="lonely", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
    with refused("NoSuchEntity", 404):
        iam.attach_role_policy(RoleName="lonely", PolicyArn="arn:aws:iam::aws:policy/Nothing")


def test_oidc_provider_lives_through_its_cycle(iam: Any) -> None:
    url = "https://oidc.eks.eu-west-1.amazonaws.com/id/CYCLE"
    arn = iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])["OpenIDConnectProviderArn"]
    assert arn == "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/CYCLE"
    with refused("EntityAlreadyExists", 409):
        iam.create_open_id_connect_provider(Url=url, ClientIDList=["sts.amazonaws.com"])
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="another")
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert sorted(found["ClientIDList"]) == ["another", "sts.amazonaws.com"]
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="another")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["sts.amazonaws.com"]
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with refused("NoSuchEntity", 404):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="another")
    assert arn not in [
        provider["Arn"] for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    ]


def statement(**changes: Any) -> dict[str, Any]:
    whole = {"Effect": "Allow", "Principal": {"Federated": FEDERATED}, "Action": "sts:AssumeRoleWithWebIdentity"}
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ("[]", "Syntax errors in policy."),
        ({}, "Syntax errors in policy."),
        ({"Version": "2012-10-17", "Statement": []}, "Syntax errors in policy."),
        ({"Version": "2020-01-01", "Statement": [statement()]}, "must be version 2012-10-17 or greater"),
        ([statement(Efect="Allow")], "Syntax errors in policy."),
        ([statement(Effect="allow")], "Syntax errors in policy."),
        ([statement(Effect=None)], "Syntax errors in policy."),
        ([statement(Sid="with space")], "Statement IDs (SID) must be alpha-numeric."),
        ([statement(Sid=7)], "Syntax errors in policy."),
        ('{"Version": "2012-10-17", "Statement": [], "Statement": []}', "Syntax errors in policy."),
        ([statement(Principal={"AWS": []})], "Syntax errors in policy."),
        ([statement(Principal={"AWS": "arn:aws:iam::123456789012:role/absent"})], "role/absent"),
        ([statement(Principal={"AWS": "arn:aws:iam::123456789012:user/absent"})], 'Invalid principal in policy: "AWS"'),
        ([statement(Principal={"AWS": "arn:aws:iam::123456789012:role/*"})], 'Invalid principal in policy: "AWS"'),
        ([statement(Principal={"AWS": "somebody"})], 'Invalid principal in policy: "AWS":"somebody"'),
        ([statement(Principal={"Service": "eks"})], 'Invalid principal in policy: "SERVICE":"eks"'),
        ([statement(Principal=None)], "Missing required field Principal"),
        ([statement(Action=None)], "Missing required field Action"),
        ([statement(Resource="*")], "Has prohibited field Resource"),
        ([statement(Action="s3:GetObject")], "may only specify STS AssumeRole actions"),
        ([statement(Action=[])], "Syntax errors in policy."),
        ([statement(Principal={"Federated": "oidc.eks/id"})], 'Invalid principal in policy: "FEDERATED"'),
        ([statement(Principal={"Nobody": "x"})], "invalid principal"),
        ([statement(Principal="everyone")], "invalid principal"),
        ([statement(Condition={"StringSame": {"a": "b"}})], "Invalid Condition type : StringSame."),
        ([statement(Condition={"StringEquals": "b"})], "Syntax errors in policy."),
        ([statement(Condition=[])], "Invalid Condition type"),
        ([statement(Sid="a"), statement(Sid="a")], "must be unique"),
    ],
)
def test_malformed_trust_policy_is_refused(iam: Any, document: Any, message: str) -> None:
    if isinstance(document, list):
        document = {"Version": "2012-10-17", "Statement": document}
    text = document if isinstance(document, str) else json.dumps(document)
    with refused("MalformedPolicyDocument", message=message):
        iam.create_role(RoleName="malformed", AssumeRolePolicyDocument=text)


def test_malformed_trust_policy_does_not_replace_a_good_one(iam: Any) -> None:
    iam.create_role(RoleName="kept", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
    with refused("MalformedPolicyDocument"):
        iam.update_assume_role_policy(RoleName="kept", PolicyDocument='{"Version": "2012-10-17"}')
    assert iam.get_role(RoleName="kept")["Role"]["AssumeRolePolicyDocument"] == EC2_TRUST


def test_long_trust_policy_exceeds_the_quota(iam: Any) -> None:
    subjects = [f"system:serviceaccount:namespace-{number:03d}:account" for number in range(50)]
    document = {"Version": "2012-10-17", "Statement": [statement(Condition={"StringEquals": {"a:sub": subjects}})]}
    with refused("LimitExceeded", 409, "ACLSizePerRole: 2048"):
        iam.create_role(RoleName="long", AssumeRolePolicyDocument=json.dumps(document))


def test_trust_policy_without_a_version_is_one_of_old(iam: Any) -> None:
    document = json.dumps({"Statement": [statement()]})
    assert iam.create_role(RoleName="old", AssumeRolePolicyDocument=document)["Role"]["RoleName"] == "old"


def test_roles_and_users_that_are_there_may_be_principals(iam: Any) -> None:
    role = iam.create_role(RoleName="named", Path="/a/b/", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))["Role"][
        "Arn"
    ]
    user = iam.create_user(UserName="named")["User"]["Arn"]
    others = ["123456789012", "arn:aws:iam::999999999999:role/unseen", "*"]
    document = {"Version": "2012-10-17", "Statement": [statement(Principal={"AWS": [role, user, *others]})]}
    assert iam.create_role(RoleName="naming", AssumeRolePolicyDocument=json.dumps(document))


ALLOWED = {"Effect": "Allow", "Action": "xray:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Syntax errors in policy."),
        ('{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', "Syntax errors in policy."),
        ({"Statement": [ALLOWED]}, "must be version 2012-10-17 or greater"),
        ([{**ALLOWED, "Principal": "*"}], "Policy document should not specify a principal."),
        ([{**ALLOWED, "Sid": "with space"}], "Statement IDs (SID) must be alpha-numeric"),
        ([{**ALLOWED, "Effect": "allow"}], "legacy parsing"),
        ([{**ALLOWED, "Action": "everything"}], "must be prefaced by a vendor"),
        ([{**ALLOWED, "Resource": "everything"}], "must be in ARN format"),
        ([{"Effect": "Allow", "Resource": "*"}], "must contain actions"),
        ([{"Effect": "Allow", "Action": "xray:*"}], "must contain resources"),
        ("[" * 5000, "Syntax errors in policy."),
        ("[" * 1000 + "]" * 1000, "Syntax errors in policy."),
        ('{"Version": "2012-10-17", "Statement": NaN}', "Syntax errors in policy."),
        ('{"Version": "2012-10-17", "Statement": "\\ud800"}', "Syntax errors in policy."),
    ],
)
def test_malformed_identity_policy_is_refused(iam: Any, document: Any, message: str) -> None:
    if isinstance(document, list):
        document = {"Version": "2012-10-17", "Statement": document}
    text = document if isinstance(document, str) else json.dumps(document)
    with refused("MalformedPolicyDocument", message=message):
        iam.put_role_policy(RoleName="policed", PolicyName="wrong", PolicyDocument=text)
    with refused("MalformedPolicyDocument", message=message):
        iam.create_policy(PolicyName="wrong", PolicyDocument=text)


def test_long_identity_policies_exceed_their_quotas(iam: Any) -> None:
    def policy(characters: int) -> str:
        statement = {**ALLOWED, "Sid": "x" * characters}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    with refused("LimitExceeded", 409, "PolicySize: 6144"):
        iam.create_policy(PolicyName="long", PolicyDocument=policy(6200))
    iam.create_role(RoleName="full", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
    iam.put_role_policy(RoleName="full", PolicyName="half", PolicyDocument=policy(5000))
    with refused("LimitExceeded", 409, "Maximum policy size of 10240 bytes exceeded for role full"):
        iam.put_role_policy(RoleName="full", PolicyName="rest", PolicyDocument=policy(5200))
    iam.put_role_policy(RoleName="full", PolicyName="half", PolicyDocument=policy(6000))
    iam.create_user(UserName="full")
    with refused("LimitExceeded", 409, "Maximum policy size of 2048 bytes exceeded for user full"):
        iam.put_user_policy(UserName="full", PolicyName="long", PolicyDocument=policy(2100))


def test_white_space_does_not_count(iam: Any) -> None:
    iam.create_role(RoleName="spacious", AssumeRolePolicyDocument=json.dumps(EC2_TRUST, indent=100))


def test_parameters_are_held_against_the_model_before_moto(iam: Any) -> None:
    with refused("ValidationError", message="at 'RoleName' failed to satisfy constraint"):
        iam.create_role(RoleName="no spaces", AssumeRolePolicyDocument=json.dumps(EC2_TRUST))
