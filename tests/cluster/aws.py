"""An AWS account that knows the cluster as EKS does: by the issuer of its tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from support.clients import Clients

from cluster.layout import ISSUER

ACCOUNT: Final = "123456789012"
AUDIENCE: Final = "sts.amazonaws.com"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/shop"
_DAEMON_POLICY: Final = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"


@contextmanager
def role_for(aws: Clients, subject: str) -> Iterator[None]:
    """A role that trusts one service account of the cluster, and may do what the X-Ray daemon does."""
    issuer = ISSUER.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": AUDIENCE, f"{issuer}:sub": f"system:serviceaccount:{subject}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.iam.create_role(RoleName="shop", AssumeRolePolicyDocument=policy)
    aws.iam.attach_role_policy(RoleName="shop", PolicyArn=_DAEMON_POLICY)
    try:
        yield
    finally:
        aws.iam.detach_role_policy(RoleName="shop", PolicyArn=_DAEMON_POLICY)
        aws.iam.delete_role(RoleName="shop")
