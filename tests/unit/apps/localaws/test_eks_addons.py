"""Add-ons as clients of EKS see them: installed, changed, refused, taken away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from support.aws_errors import refused
from support.waiting import eventually

CLUSTER = "deepobs-local"
CLOUDWATCH = "amazon-cloudwatch-observability"
POD_IDENTITY = {
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}
TRUST = {"Version": "2012-10-17", "Statement": [POD_IDENTITY]}

Addon = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_addons(eks: Any) -> Iterator[None]:
    yield
    for name in eks.list_addons(clusterName=CLUSTER)["addons"]:
        _take_away(eks, name)


def _take_away(eks: Any, name: str) -> None:
    eventually(lambda: _settled(eks, name))
    eks.delete_addon(clusterName=CLUSTER, addonName=name)
    eventually(lambda: name not in eks.list_addons(clusterName=CLUSTER)["addons"])


def _settled(eks: Any, name: str) -> bool:
    status: str = eks.describe_addon(clusterName=CLUSTER, addonName=name)["addon"]["status"]
    return status in ("ACTIVE", "DEGRADED")


@pytest.fixture
def installed(eks: Any) -> Addon:
    """Installs an add-on and waits until it is ACTIVE."""

    def install(name: str = CLOUDWATCH, **parameters: Any) -> dict[str, Any]:
        eks.create_addon(clusterName=CLUSTER, addonName=name, **parameters)
        eventually(lambda: _settled(eks, name))
        addon: dict[str, Any] = eks.describe_addon(clusterName=CLUSTER, addonName=name)["addon"]
        return addon

    return install


@pytest.fixture(scope="module")
def role_arn(iam: Any) -> str:
    arn: str = iam.create_role(RoleName="agent", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    return arn


def test_created_addon_is_creating_then_active(eks: Any) -> None:
    before = datetime.now(UTC)
    addon = eks.create_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, tags={"team": "shop"})["addon"]
    assert addon["status"] == "CREATING"
    assert (addon["addonVersion"], addon["tags"], addon["health"]) == (
        "v6.2.0-eksbuild.1",
        {"team": "shop"},
        {"issues": []},
    )
    assert addon["addonArn"].startswith(f"arn:aws:eks:eu-west-1:123456789012:addon/{CLUSTER}/{CLOUDWATCH}/")
    assert abs((addon["createdAt"] - before).total_seconds()) < 60
    eventually(lambda: _settled(eks, CLOUDWATCH))


def test_botocore_waiters_follow_an_addon(eks: Any) -> None:
    quickly = {"Delay": 1, "MaxAttempts": 20}
    eks.create_addon(clusterName=CLUSTER, addonName="coredns")
    eks.get_waiter("addon_active").wait(clusterName=CLUSTER, addonName="coredns", WaiterConfig=quickly)
    assert eks.delete_addon(clusterName=CLUSTER, addonName="coredns")["addon"]["status"] == "DELETING"
    eks.get_waiter("addon_deleted").wait(clusterName=CLUSTER, addonName="coredns", WaiterConfig=quickly)
    with refused("ResourceNotFoundException", 404, "No addon: coredns found in cluster: deepobs-local"):
        eks.describe_addon(clusterName=CLUSTER, addonName="coredns")


def test_second_addon_of_a_name_is_in_use(eks: Any, installed: Addon) -> None:
    installed()
    with refused("ResourceInUseException", 409, "Addon already exists."):
        eks.create_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)


def test_creation_repeated_with_its_token_is_the_same_addon(eks: Any) -> None:
    repeated = [
        eks.create_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, clientRequestToken="once")["addon"]["addonArn"]
        for _ in range(2)
    ]
    assert repeated[0] == repeated[1]


def test_change_is_refused_while_one_is_under_way(eks: Any, installed: Addon) -> None:
    installed(addonVersion="v5.0.0-eksbuild.1")
    update = eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, addonVersion="v6.2.0-eksbuild.1")["update"]
    with refused("ResourceInUseException", 409, "currently in UPDATING state"):
        eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, addonVersion="v6.2.0-eksbuild.1")
    with refused("ResourceInUseException", 409, "cannot be deleted"):
        eks.delete_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)
    eventually(lambda: _settled(eks, CLOUDWATCH))
    described = eks.describe_update(name=CLUSTER, addonName=CLOUDWATCH, updateId=update["id"])["update"]
    assert (update["status"], described["status"], described["type"]) == ("InProgress", "Successful", "AddonUpdate")
    assert described["params"] == [{"type": "AddonVersion", "value": "v6.2.0-eksbuild.1"}]


def test_update_keeps_configuration_and_drops_a_role_not_given(eks: Any, installed: Addon, role_arn: str) -> None:
    values = '{"containerLogs": {"enabled": false}}'
    installed(configurationValues=values, serviceAccountRoleArn=role_arn)
    eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)
    addon = eks.describe_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)["addon"]
    assert (addon["status"], addon["configurationValues"]) == ("UPDATING", values)
    assert "serviceAccountRoleArn" not in addon


def test_kept_configuration_must_fit_the_new_version(eks: Any, installed: Addon) -> None:
    installed(configurationValues='{"otelContainerInsights": {"enabled": true}}')
    with refused("InvalidParameterException", message="$.otelContainerInsights: is not defined in the schema"):
        eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, addonVersion="v5.0.0-eksbuild.1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ('{"containerLog": {}}', "$.containerLog: is not defined in the schema and the schema does not allow"),
        ('{"containerLogs": {"enabled": "no"}}', "$.containerLogs.enabled: string found, boolean expected"),
        (
            '{"tolerations": [{"operator": "Is"}]}',
            "$.tolerations[0].operator: does not have a value in the enumeration [Exists, Equal]",
        ),
        ("containerLogs: {enabled: 1}", "$.containerLogs.enabled: integer found, boolean expected"),
        ("just a text", "$: string found, object expected"),
        ("{", "neither JSON nor YAML"),
    ],
)
def test_configuration_off_the_schema_is_refused(eks: Any, values: str, message: str) -> None:
    with refused("InvalidParameterException", message=message):
        eks.create_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, configurationValues=values)
    assert eks.list_addons(clusterName=CLUSTER)["addons"] == []


def test_configuration_may_be_yaml(installed: Addon) -> None:
    values = "containerLogs:\n  enabled: false\n"
    assert installed(configurationValues=values)["configurationValues"] == values


@pytest.mark.parametrize(
    "parameters",
    [
        {"serviceAccountRoleArn": "arn:aws:iam::123456789012:role/nobody"},
        {"serviceAccountRoleArn": "arn:aws:iam::999999999999:role/agent"},
        {"podIdentityAssociations": [{"serviceAccount": "cloudwatch-agent", "roleArn": "not an arn"}]},
        {"addonVersion": "v0.0.1-eksbuild.1"},
        {"resolveConflicts": "SOMETIMES"},
        {"tags": {"aws:team": "shop"}},
    ],
)
def test_what_does_not_exist_is_refused(eks: Any, role_arn: str, parameters: dict[str, Any]) -> None:
    with refused("InvalidParameterException"):
        eks.create_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, **parameters)


def test_unknown_addon_and_cluster_are_refused(eks: Any) -> None:
    with refused("InvalidParameterException", message="Addon name specified is not supported"):
        eks.create_addon(clusterName=CLUSTER, addonName="nothing")
    with refused("ResourceNotFoundException", 404, "No cluster found for name: nowhere."):
        eks.create_addon(clusterName="nowhere", addonName=CLOUDWATCH)


def test_default_version_follows_the_cluster(eks: Any) -> None:
    addon = eks.create_addon(clusterName="older", addonName=CLOUDWATCH)["addon"]
    assert addon["addonVersion"] == "v5.0.0-eksbuild.1"
    with refused("InvalidParameterException", message="Addon version specified is not supported"):
        eks.create_addon(clusterName="older", addonName="kube-proxy", addonVersion="v1.35.0-eksbuild.2")


def test_pod_identity_associations_stay_until_emptied(eks: Any, installed: Addon, role_arn: str) -> None:
    wanted = [{"serviceAccount": "cloudwatch-agent", "roleArn": role_arn}]
    arns = installed(podIdentityAssociations=wanted)["podIdentityAssociations"]
    (summary,) = eks.list_pod_identity_associations(clusterName=CLUSTER)["associations"]
    assert [summary["associationArn"]] == arns
    found = eks.describe_pod_identity_association(clusterName=CLUSTER, associationId=summary["associationId"])
    assert (found["association"]["roleArn"], found["association"]["namespace"]) == (role_arn, "amazon-cloudwatch")
    eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)
    eventually(lambda: _settled(eks, CLOUDWATCH))
    assert eks.describe_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)["addon"]["podIdentityAssociations"] == arns
    eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, podIdentityAssociations=[])
    assert eks.list_pod_identity_associations(clusterName=CLUSTER)["associations"] == []


def test_role_and_associations_may_be_given_together(installed: Addon, role_arn: str) -> None:
    association = {"serviceAccount": "cloudwatch-agent", "roleArn": role_arn}
    addon = installed(serviceAccountRoleArn=role_arn, podIdentityAssociations=[association])
    assert (addon["serviceAccountRoleArn"], len(addon["podIdentityAssociations"])) == (role_arn, 1)


def test_associations_go_with_the_addon_unless_preserved(eks: Any, installed: Addon, role_arn: str) -> None:
    wanted = [{"serviceAccount": "cloudwatch-agent", "roleArn": role_arn}]
    installed(podIdentityAssociations=wanted)
    _take_away(eks, CLOUDWATCH)
    assert eks.list_pod_identity_associations(clusterName=CLUSTER)["associations"] == []
    installed(podIdentityAssociations=wanted)
    eks.delete_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, preserve=True)
    eventually(lambda: eks.list_addons(clusterName=CLUSTER)["addons"] == [])
    (kept,) = eks.list_pod_identity_associations(clusterName=CLUSTER)["associations"]
    assert "ownerArn" not in kept
    with refused("ResourceInUseException", 409, f"Association already exists: {kept['associationId']}"):
        eks.create_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, podIdentityAssociations=wanted)
    eks.delete_pod_identity_association(clusterName=CLUSTER, associationId=kept["associationId"])


@pytest.mark.parametrize(
    ("addon", "message"),
    [
        (CLOUDWATCH, f"Service account nobody in pod identity configuration is not supported for addon {CLOUDWATCH}"),
        ("kube-proxy", "Pod Identity feature is not supported for addon version: v1.35.0-eksbuild.2"),
    ],
)
def test_association_is_only_for_service_accounts_of_the_addon(
    eks: Any, role_arn: str, addon: str, message: str
) -> None:
    wanted = [{"serviceAccount": "nobody", "roleArn": role_arn}]
    with refused("InvalidParameterException", message=message):
        eks.create_addon(clusterName=CLUSTER, addonName=addon, podIdentityAssociations=wanted)


def test_role_of_an_association_must_trust_pod_identity(eks: Any, iam: Any) -> None:
    trust = {**TRUST, "Statement": [{**POD_IDENTITY, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName="tagless", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    wanted = [{"serviceAccount": "cloudwatch-agent", "roleArn": arn}]
    with refused("InvalidParameterException", message="Trust policy of the role provided is invalid."):
        eks.create_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, podIdentityAssociations=wanted)
    assert eks.list_addons(clusterName=CLUSTER)["addons"] == []


def test_update_repeated_with_its_token_is_the_same_update(eks: Any, installed: Addon) -> None:
    installed()
    asked = {"clusterName": CLUSTER, "addonName": CLOUDWATCH, "clientRequestToken": "again"}
    first, second = (eks.update_addon(**asked)["update"]["id"] for _ in range(2))
    assert first == second
    with refused("InvalidParameterException", message="used before with other parameters"):
        eks.update_addon(**asked, configurationValues="{}")


def test_version_may_be_an_older_one(eks: Any, installed: Addon) -> None:
    installed()
    eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH, addonVersion="v5.0.0-eksbuild.1")
    eventually(lambda: _settled(eks, CLOUDWATCH))
    addon = eks.describe_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)["addon"]
    assert (addon["status"], addon["addonVersion"]) == ("ACTIVE", "v5.0.0-eksbuild.1")


def test_network_plugin_goes_by_one_minor_version_at_a_time(eks: Any) -> None:
    eks.create_addon(clusterName="older", addonName="vpc-cni", addonVersion="v1.19.6-eksbuild.7")
    eventually(lambda: eks.describe_addon(clusterName="older", addonName="vpc-cni")["addon"]["status"] == "ACTIVE")
    named = {"clusterName": "older", "addonName": "vpc-cni"}
    with refused("InvalidParameterException", message="can only go up or down 1 minor version at a time"):
        eks.update_addon(**named, addonVersion="v1.21.1-eksbuild.1")
    assert eks.update_addon(**named, addonVersion="v1.20.4-eksbuild.2")["update"]["status"] == "InProgress"


def test_addon_lives_in_its_namespace_or_the_one_asked_for(eks: Any, installed: Addon) -> None:
    assert installed("coredns")["namespaceConfig"] == {"namespace": "kube-system"}
    assert installed(namespaceConfig={"namespace": "watch"})["namespaceConfig"] == {"namespace": "watch"}
    with refused("InvalidParameterException", message="not a valid DNS label"):
        eks.create_addon(clusterName=CLUSTER, addonName="vpc-cni", namespaceConfig={"namespace": "No_Label"})


def test_updates_are_listed_by_addon(eks: Any, installed: Addon) -> None:
    installed()
    ids = []
    for _ in range(3):
        ids.append(eks.update_addon(clusterName=CLUSTER, addonName=CLOUDWATCH)["update"]["id"])
        eventually(lambda: _settled(eks, CLOUDWATCH))
    pages = eks.get_paginator("list_updates").paginate(
        name=CLUSTER, addonName=CLOUDWATCH, PaginationConfig={"PageSize": 2}
    )
    found = [page["updateIds"] for page in pages]
    assert ([len(page) for page in found], found[0] + found[1]) == ([2, 1], ids)
    assert eks.list_updates(name=CLUSTER)["updateIds"] == []
    with refused("ResourceNotFoundException", 404):
        eks.describe_update(name=CLUSTER, addonName=CLOUDWATCH, updateId="none")


def test_tags_of_addons_and_clusters(eks: Any, installed: Addon) -> None:
    arn = installed(tags={"team": "shop", "stage": "test"})["addonArn"]
    eks.tag_resource(resourceArn=arn, tags={"stage": "demo"})
    eks.untag_resource(resourceArn=arn, tagKeys=["team", "unknown"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "demo"}
    cluster = eks.describe_cluster(name="older")["cluster"]["arn"]
    eks.tag_resource(resourceArn=cluster, tags={"owner": "me"})
    assert eks.describe_cluster(name="older")["cluster"]["tags"] == {"owner": "me"}
    with refused("NotFoundException", 404):
        eks.list_tags_for_resource(resourceArn=cluster + "-gone")
    with refused("BadRequestException"):
        eks.list_tags_for_resource(resourceArn="arn:aws:s3:::bucket")
    with refused("BadRequestException", message="reserved"):
        eks.tag_resource(resourceArn=cluster, tags={"AWS:owner": "me"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("!!float x", "neither JSON nor YAML"),
        ("!!timestamp 9999-99-99", "neither JSON nor YAML"),
        ("a: !!int _", "neither JSON nor YAML"),
        ("&a [*a]", "neither JSON nor YAML"),
        ("[" * 500, "neither JSON nor YAML"),
        ("? [a]\n: b", "neither JSON nor YAML"),
        ("{1: 2, a: 3}", "$.1: is not defined in the schema"),
        ("2001-01-01", "string found, object expected"),
    ],
)
def test_yaml_that_json_does_not_have_is_refused(eks: Any, values: str, message: str) -> None:
    with refused("InvalidParameterException", message=message):
        eks.create_addon(clusterName=CLUSTER, addonName="coredns", configurationValues=values)
