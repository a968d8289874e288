"""What irsa_trust_info can do in an account."""

from __future__ import annotations

from support.clients import Clients
from support.scenarios import CLUSTER, Scenario
from support.trust import AGENT, DAEMON, THEIRS, create_provider, create_role, trusting


def _trusted(clients: Clients) -> None:
    create_provider(clients)
    create_role(clients, "daemon", THEIRS, trusting(clients, AGENT, DAEMON))


def _others_trusted(clients: Clients) -> None:
    create_role(clients, "daemon", trusting(clients, AGENT))


_ASKED = {"role": "daemon", "cluster_name": CLUSTER, "subject": DAEMON}

SCENARIOS = [
    Scenario("irsa_trust_info", "trusted", _ASKED, _trusted, changes=False),
    Scenario("irsa_trust_info", "refused", _ASKED, _others_trusted, changes=False),
]
