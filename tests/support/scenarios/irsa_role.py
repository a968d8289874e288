"""What irsa_role can do in an account."""

from __future__ import annotations

import json
from typing import Any

from support.clients import Clients
from support.scenarios import CLUSTER, Scenario
from support.trust import AGENT, DAEMON, THEIRS, create_provider, create_role, trusting

_READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
_WRITES_TRACES = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
_WRITES_METRICS = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
_READS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::settings/*"}],
}
_DAEMON: dict[str, Any] = {
    "name": "daemon",
    "subjects": [DAEMON],
    "managed_policies": [_WRITES_TRACES],
    "inline_policies": {"settings": _READS},
    "description": "Sends traces",
    "max_session_duration": 7200,
    "tags": {"team": "shop"},
}
_AGENT: dict[str, Any] = {"name": "agent", "subjects": [AGENT], "managed_policies": [_WRITES_METRICS]}
_BOTH = {"cluster_name": CLUSTER, "roles": [_DAEMON, _AGENT]}
_BOUNDED = {**_DAEMON, "permissions_boundary": _READ_ONLY}


def _another_role(clients: Clients) -> None:
    """A role of the same name with everything otherwise, and a provider for others."""
    create_provider(clients, ["vault"])
    create_role(clients, "daemon", THEIRS, Description="Theirs", Tags=[{"Key": "stage", "Value": "old"}])
    clients.iam.attach_role_policy(RoleName="daemon", PolicyArn=_READ_ONLY)
    clients.iam.put_role_policy(RoleName="daemon", PolicyName="stale", PolicyDocument=json.dumps(_READS))


def _whole(clients: Clients) -> None:
    """Both roles as they are to be, the daemon's with a boundary."""
    create_provider(clients)
    create_role(
        clients,
        "daemon",
        trusting(clients, DAEMON),
        Description="Sends traces",
        MaxSessionDuration=7200,
        PermissionsBoundary=_READ_ONLY,
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    clients.iam.attach_role_policy(RoleName="daemon", PolicyArn=_WRITES_TRACES)
    clients.iam.put_role_policy(RoleName="daemon", PolicyName="settings", PolicyDocument=json.dumps(_READS))
    create_role(clients, "agent", trusting(clients, AGENT))
    clients.iam.attach_role_policy(RoleName="agent", PolicyArn=_WRITES_METRICS)


def _shared(clients: Clients) -> None:
    """The daemon's role trusted by others as well, and the agent's own."""
    create_provider(clients)
    create_role(clients, "daemon", trusting(clients, DAEMON, "theirs:theirs"))
    create_role(clients, "agent", trusting(clients, AGENT))


SCENARIOS = [
    Scenario("irsa_role", "two new roles", {**_BOTH, "create_oidc_provider": True}),
    Scenario(
        "irsa_role",
        "a role made over",
        {
            "cluster_name": CLUSTER,
            "roles": [_BOUNDED],
            "create_oidc_provider": True,
            "purge_policies": True,
            "purge_tags": True,
        },
        _another_role,
    ),
    Scenario(
        "irsa_role",
        "a boundary taken away",
        {"cluster_name": CLUSTER, "roles": [{**_DAEMON, "permissions_boundary": ""}]},
        _whole,
    ),
    Scenario("irsa_role", "both there", _BOTH, _whole, changes=False),
    Scenario("irsa_role", "both gone", {**_BOTH, "state": "absent"}, _whole),
    Scenario("irsa_role", "one still needed by others", {**_BOTH, "state": "absent"}, _shared),
]
