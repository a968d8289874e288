"""eks_addon_info: all that it can tell, and one add-on by its name."""

from __future__ import annotations

from support.clients import Clients
from support.scenarios import CLUSTER, Scenario
from support.scenarios.eks_addon import AGENT, create_addon, create_role, update_addon


def _two_addons(clients: Clients) -> None:
    association = {"serviceAccount": "cloudwatch-agent", "roleArn": create_role(clients)}
    create_addon(clients, addonVersion="v4.10.4-eksbuild.1", podIdentityAssociations=[association])
    update_addon(clients, addonVersion="v5.0.0-eksbuild.1")
    create_addon(clients, "coredns")


_EVERYTHING = {"cluster_name": CLUSTER, "updates": 3, "schemas": True}
_ONE = {"cluster_name": CLUSTER, "names": [AGENT, "vpc-cni"], "versions": False}

SCENARIOS = [
    Scenario("eks_addon_info", "everything of all", _EVERYTHING, _two_addons, False, frozenset({"id"})),
    Scenario("eks_addon_info", "one of two by name", _ONE, _two_addons, False),
]
