"""What eks_pod_identity_association does."""

from __future__ import annotations

import json
import time
from typing import Any

from support.clients import Clients
from support.scenarios import ACCOUNT, CLUSTER, Scenario

MODULE = "eks_pod_identity_association"
VOLATILE = frozenset({"association_id", "association_arn", "owner_arn"})
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"}],
}
TARGET = "arn:aws:iam::210987654321:role/orders"


def role_arn(name: str) -> str:
    """The ARN of a role of the account."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def with_roles(clients: Clients) -> None:
    """Two roles that trust Pod Identity."""
    for name in ("backend", "frontend"):
        document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
        clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)


def with_associations(clients: Clients) -> None:
    """Associations of three service accounts, two in the namespace shop."""
    with_roles(clients)
    for namespace, account in (("shop", "backend"), ("shop", "old"), ("agents", "daemon")):
        clients.eks.create_pod_identity_association(
            clusterName=CLUSTER,
            namespace=namespace,
            serviceAccount=account,
            roleArn=role_arn("backend"),
            targetRoleArn=TARGET,
            tags={"team": "shop", "stage": "test"},
        )


def with_addons_association(clients: Clients) -> None:
    """An association of its own and one that belongs to an add-on, in one namespace."""
    with_roles(clients)
    owned = {"serviceAccount": "aws-node", "roleArn": role_arn("backend")}
    clients.eks.create_addon(clusterName=CLUSTER, addonName="vpc-cni", podIdentityAssociations=[owned])
    while clients.eks.describe_addon(clusterName=CLUSTER, addonName="vpc-cni")["addon"]["status"] != "ACTIVE":
        time.sleep(0.05)
    clients.eks.create_pod_identity_association(
        clusterName=CLUSTER, namespace="kube-system", serviceAccount="old", roleArn=role_arn("backend")
    )


def _scenario(name: str, prepare: Any, arguments: dict[str, Any], changes: bool = True) -> Scenario:
    return Scenario(MODULE, name, {"cluster_name": CLUSTER, **arguments}, prepare, changes, VOLATILE)


_BACKEND = {"namespace": "shop", "service_account": "backend", "role_arn": role_arn("backend")}

SCENARIOS = [
    _scenario(
        "creates two associations",
        with_roles,
        {
            "associations": [
                {**_BACKEND, "target_role_arn": TARGET, "tags": {"team": "shop"}},
                {
                    "namespace": "shop",
                    "service_account": "frontend",
                    "role_arn": role_arn("frontend"),
                    "disable_session_tags": True,
                    "policy": POLICY,
                },
            ]
        },
    ),
    _scenario(
        "gives one another role in place and other tags, and creates another",
        with_associations,
        {
            "associations": [
                {
                    **_BACKEND,
                    "role_arn": role_arn("frontend"),
                    "target_role_arn": "",
                    "tags": {"stage": "demo", "owner": "me"},
                },
                {**_BACKEND, "service_account": "frontend"},
            ]
        },
    ),
    _scenario(
        "deletes what is there",
        with_associations,
        {
            "associations": [
                {"namespace": "shop", "service_account": "old"},
                {"namespace": "shop", "service_account": "never"},
            ],
            "state": "absent",
        },
    ),
    _scenario(
        "deletes all others of a namespace, but for those of add-ons",
        with_addons_association,
        {"associations": [], "state": "exact", "namespaces": ["kube-system"]},
    ),
    _scenario("leaves alone what is right", with_associations, {"associations": [_BACKEND]}, changes=False),
]
