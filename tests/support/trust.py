"""Roles and OIDC providers as the tests of IRSA prepare them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from support.clients import Clients
from support.scenarios import ACCOUNT, CLUSTER

AUDIENCE = "sts.amazonaws.com"
DAEMON = "xray-daemon:xray-daemon"
AGENT = "amazon-cloudwatch:cloudwatch-agent"
THEIRS: dict[str, Any] = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}


def policy_of(*statements: dict[str, Any]) -> dict[str, Any]:
    """A trust policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def issuer(clients: Clients) -> str:
    """The cluster's issuer as condition keys name it."""
    url: str = clients.eks.describe_cluster(name=CLUSTER)["cluster"]["identity"]["oidc"]["issuer"]
    return url.removeprefix("https://")


def provider_arn(clients: Clients) -> str:
    """The ARN that the cluster's provider has, or will have."""
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer(clients)}"


def trusting(clients: Clients, *subjects: str) -> dict[str, Any]:
    """A statement that trusts these service accounts of the cluster."""
    key = issuer(clients)
    subs = [f"system:serviceaccount:{subject}" for subject in subjects]
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn(clients)},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{key}:aud": AUDIENCE, f"{key}:sub": subs}},
    }


def create_role(clients: Clients, name: str, *statements: dict[str, Any], **options: Any) -> None:
    """Creates a role with a trust policy of these statements."""
    document = json.dumps(policy_of(*statements))
    clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **options)


def create_provider(clients: Clients, audiences: Sequence[str] = (AUDIENCE,)) -> None:
    """Registers the cluster's issuer."""
    clients.iam.create_open_id_connect_provider(Url=f"https://{issuer(clients)}", ClientIDList=list(audiences))


def trust_policy(clients: Clients, role: str) -> Any:
    """The trust policy that a role has."""
    return clients.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
