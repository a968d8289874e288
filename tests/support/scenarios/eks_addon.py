"""eks_addon: create several, upgrade, repair, change permissions and tags, remove."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from support.admin import Admin
from support.clients import Clients
from support.scenarios import CLUSTER, Scenario

AGENT = "amazon-cloudwatch-observability"
_ROLE = "cloudwatch-agent"
_SECONDS = 30


def create_role(clients: Clients) -> str:
    """The agent's role; its ARN."""
    actions = ["sts:AssumeRole", "sts:TagSession"]
    trust = {"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": actions}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = clients.iam.create_role(RoleName=_ROLE, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    return arn


def create_addon(clients: Clients, name: str = AGENT, **parameters: Any) -> None:
    """An add-on whose creation has come to its end."""
    clients.eks.create_addon(clusterName=CLUSTER, addonName=name, **parameters)
    _wait_for_end(clients, name)


def update_addon(clients: Clients, name: str = AGENT, **parameters: Any) -> None:
    """An update of an add-on that has come to its end."""
    clients.eks.update_addon(clusterName=CLUSTER, addonName=name, **parameters)
    _wait_for_end(clients, name)


def _wait_for_end(clients: Clients, name: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while _status(clients, name) in ("CREATING", "UPDATING"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _status(clients: Clients, name: str) -> str:
    return str(clients.eks.describe_addon(clusterName=CLUSTER, addonName=name)["addon"]["status"])


def _installed(**parameters: Any) -> Callable[[Clients], None]:
    return lambda clients: create_addon(clients, **parameters)


def _with_role(clients: Clients) -> None:
    create_addon(clients, serviceAccountRoleArn=create_role(clients), tags={"team": "web", "stage": "test"})


def _failed(clients: Clients) -> None:
    issue = {"code": "ConfigurationConflict", "message": "Conflicts found"}
    outcome = {"change": "create", "addon_status": "CREATE_FAILED", "issues": [issue]}
    with Admin(clients.eks.meta.endpoint_url).outcomes(outcome):
        create_addon(clients)


def _with_association(clients: Clients) -> None:
    association = {"serviceAccount": "cloudwatch-agent", "roleArn": create_role(clients)}
    create_addon(clients, podIdentityAssociations=[association])


def _scenario(name: str, prepare: Callable[[Clients], Any], *addons: dict[str, Any], **task: Any) -> Scenario:
    return Scenario("eks_addon", name, {"cluster_name": CLUSTER, "addons": list(addons), **task}, prepare)


SCENARIOS = [
    _scenario(
        "create two",
        create_role,
        {"name": AGENT, "service_account_role_arn": _ROLE, "configuration": {"containerLogs": {"enabled": False}}},
        {"name": "coredns", "version": "default", "configuration": {"replicaCount": 3}},
        tags={"team": "shop"},
    ),
    _scenario(
        "upgrade one of two",
        _installed(addonVersion="v4.10.4-eksbuild.1", configurationValues='{"containerLogs": {"enabled": false}}'),
        {"name": AGENT, "version": "v6.2.0"},
        {"name": "coredns"},
    ),
    _scenario(
        "repair a failed creation", _failed, {"name": AGENT, "version": "v5.0.0-eksbuild.1", "configuration": {}}
    ),
    _scenario(
        "put Pod Identity in the place of a role, and other tags",
        _with_role,
        {"name": AGENT, "pod_identity_associations": [{"service_account": "cloudwatch-agent", "role_arn": _ROLE}]},
        tags={"team": "shop"},
    ),
    _scenario("remove", _with_association, {"name": AGENT}, {"name": "coredns"}, state="absent"),
]
