"""Pod Identity associations as clients of EKS see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from localaws.eks import associations
from localaws.eks.associations import Association, Associations
from localaws.service import ServiceError
from support.aws_errors import refused

CLUSTER = "deepobs-local"
PLACE = {"namespace": "shop", "serviceAccount": "backend"}
TARGET = "arn:aws:iam::999999999999:role/elsewhere"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})

Role = Callable[..., str]
Create = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_associations(eks: Any) -> Iterator[None]:
    yield
    for association in eks.list_pod_identity_associations(clusterName=CLUSTER)["associations"]:
        eks.delete_pod_identity_association(clusterName=CLUSTER, associationId=association["associationId"])


@pytest.fixture
def role(iam: Any) -> Iterator[Role]:
    """Makes roles that trust Pod Identity; takes them away at the end."""
    made: list[str] = []

    def make(name: str = "shop", actions: Any = ("sts:AssumeRole", "sts:TagSession"), **statement: Any) -> str:
        trusting = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": list(actions)}
        document = {"Version": "2012-10-17", "Statement": [{**trusting, **statement}]}
        made.append(name)
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        return arn

    yield make
    for name in made:
        iam.delete_role(RoleName=name)


@pytest.fixture
def create(eks: Any) -> Create:
    def make(**parameters: Any) -> dict[str, Any]:
        asked = {"clusterName": CLUSTER, **PLACE, **parameters}
        association: dict[str, Any] = eks.create_pod_identity_association(**asked)["association"]
        return association

    return make


def listed(eks: Any, **filters: str) -> list[str]:
    found = eks.list_pod_identity_associations(clusterName=CLUSTER, **filters)["associations"]
    return [f"{item['namespace']}/{item['serviceAccount']}" for item in found]


def test_association_is_there_once_created(eks: Any, role: Role, create: Create) -> None:
    created = create(roleArn=role(), tags={"team": "shop"})
    described = eks.describe_pod_identity_association(clusterName=CLUSTER, associationId=created["associationId"])
    assert described["association"] == created
    number = created["associationId"]
    assert len(number) == 19
    assert created["associationArn"] == f"arn:aws:eks:eu-west-1:123456789012:podidentityassociation/{CLUSTER}/{number}"
    assert (created["tags"], created["disableSessionTags"]) == ({"team": "shop"}, False)
    assert not {"ownerArn", "targetRoleArn", "externalId", "policy"} & created.keys()


def test_service_account_has_one_association(role: Role, create: Create) -> None:
    number = create(roleArn=role())["associationId"]
    with refused("ResourceInUseException", 409, f"Association already exists: {number}"):
        create(roleArn=role("other"))


def test_creation_repeated_with_its_token_is_the_same_association(role: Role, create: Create) -> None:
    arn = role()
    first, second = (create(roleArn=arn, clientRequestToken="once")["associationId"] for _ in range(2))
    assert first == second
    with refused("InvalidParameterException", message="used before with other parameters"):
        create(roleArn=role("other"), clientRequestToken="once")


@pytest.mark.parametrize(
    "statement",
    [
        {"actions": ["sts:AssumeRole"]},
        {"actions": ["sts:TagSession"]},
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Principal": {"AWS": "123456789012"}},
        {"Effect": "Deny"},
        {"Condition": {"StringEquals": {"aws:RequestTag/kubernetes-namespace": "elsewhere"}}},
    ],
)
def test_role_must_let_pod_identity_assume_it_and_tag_the_session(
    role: Role, create: Create, statement: dict[str, Any]
) -> None:
    arn = role(**statement)
    with refused("InvalidParameterException", message="Trust policy of the role provided is invalid."):
        create(roleArn=arn)


def test_trust_may_be_for_one_service_account(role: Role, create: Create) -> None:
    tags = {
        "aws:RequestTag/eks-cluster-arn": f"arn:aws:eks:eu-west-1:123456789012:cluster/{CLUSTER}",
        "aws:RequestTag/kubernetes-namespace": "shop",
        "aws:RequestTag/kubernetes-service-account": "backend",
    }
    assert create(roleArn=role(Condition={"StringEquals": tags}))["serviceAccount"] == "backend"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"roleArn": "arn:aws:iam::123456789012:role/nobody"}, "Role provided in the request does not exist."),
        ({"roleArn": TARGET}, "Role provided in the request does not exist."),
        ({"targetRoleArn": "elsewhere"}, "is not the ARN of a role"),
        ({"namespace": "Shop"}, "The namespace 'Shop' is not a valid name"),
        ({"serviceAccount": "back_end"}, "The service account 'back_end' is not a valid name"),
        ({"policy": POLICY}, "disableSessionTags must be true when a policy is given"),
        ({"policy": "{", "disableSessionTags": True}, "The policy is not valid JSON"),
        ({"policy": "{}", "disableSessionTags": True}, "The policy is not an IAM policy"),
        ({"tags": {"aws:team": "shop"}}, "reserved"),
    ],
)
def test_unusable_parameters_are_refused(
    eks: Any, role: Role, create: Create, parameters: dict[str, Any], message: str
) -> None:
    with refused("InvalidParameterException", message=message):
        create(**{"roleArn": role(), **parameters})
    assert listed(eks) == []


def test_update_changes_what_is_given_and_keeps_the_rest(eks: Any, role: Role, create: Create) -> None:
    number = create(roleArn=role(), targetRoleArn=TARGET, tags={"team": "shop"})["associationId"]

    def update(**parameters: Any) -> dict[str, Any]:
        asked = {"clusterName": CLUSTER, "associationId": number, **parameters}
        changed: dict[str, Any] = eks.update_pod_identity_association(**asked)["association"]
        return changed

    changed = update(roleArn=role("other"), disableSessionTags=True, policy=POLICY)
    assert (changed["associationId"], changed["roleArn"][-5:], changed["targetRoleArn"]) == (number, "other", TARGET)
    assert (changed["disableSessionTags"], changed["policy"], changed["tags"]) == (True, POLICY, {"team": "shop"})
    assert changed["externalId"] == f"eu-west-1/123456789012/{CLUSTER}/shop/backend"
    assert changed["modifiedAt"] > changed["createdAt"]
    assert not {"targetRoleArn", "externalId", "policy"} & update(targetRoleArn="", policy="").keys()
    with refused("InvalidParameterException", message="At least one of roleArn"):
        update()
    with refused("InvalidParameterException", message="does not exist"):
        update(roleArn="arn:aws:iam::123456789012:role/nobody")


def test_list_is_filtered_and_paged(eks: Any, role: Role, create: Create) -> None:
    arn = role()
    for namespace, account in (("shop", "frontend"), ("shop", "backend"), ("agents", "backend")):
        create(roleArn=arn, namespace=namespace, serviceAccount=account)
    assert listed(eks) == ["agents/backend", "shop/backend", "shop/frontend"]
    assert listed(eks, namespace="shop") == ["shop/backend", "shop/frontend"]
    assert listed(eks, serviceAccount="backend") == ["agents/backend", "shop/backend"]
    assert listed(eks, namespace="agents", serviceAccount="frontend") == []
    paginator = eks.get_paginator("list_pod_identity_associations")
    pages = list(paginator.paginate(clusterName=CLUSTER, PaginationConfig={"PageSize": 2}))
    assert [len(page["associations"]) for page in pages] == [2, 1]
    with refused("InvalidParameterException", message="nextToken"):
        eks.list_pod_identity_associations(clusterName=CLUSTER, namespace="shop", nextToken=pages[0]["nextToken"])


def test_deleted_association_is_gone(eks: Any, role: Role, create: Create) -> None:
    created = create(roleArn=role())
    named = {"clusterName": CLUSTER, "associationId": created["associationId"]}
    assert eks.delete_pod_identity_association(**named)["association"] == created
    for call in (eks.describe_pod_identity_association, eks.delete_pod_identity_association):
        with refused("ResourceNotFoundException", 404, created["associationId"]):
            call(**named)
    with refused("ResourceNotFoundException", 404, "No cluster found"):
        eks.describe_pod_identity_association(clusterName="nowhere", associationId=created["associationId"])
    with refused("InvalidParameterException", message="The parameter associationId should be 19 characters long."):
        eks.describe_pod_identity_association(clusterName=CLUSTER, associationId="a-1")


def test_tags_are_changed_by_arn(eks: Any, role: Role, create: Create) -> None:
    arn = create(roleArn=role(), tags={"team": "shop", "stage": "test"})["associationArn"]
    eks.tag_resource(resourceArn=arn, tags={"stage": "demo"})
    eks.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "demo"}


def test_cluster_has_a_limit_of_associations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(associations, "MAXIMUM_PER_CLUSTER", 2)
    book = Associations()
    for account in ("first", "second"):
        book.add(association(account))
    book.add(association("third", cluster="other"))
    with pytest.raises(ServiceError, match="ResourceLimitExceededException"):
        book.add(association("third"))


def association(service_account: str, cluster: str = CLUSTER) -> Association:
    return Association("a-0", "arn", cluster, "shop", service_account, "role", created_at=0, modified_at=0)
