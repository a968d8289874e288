"""What irsa_trust can do in an account."""

from __future__ import annotations

from support.clients import Clients
from support.scenarios import CLUSTER, Scenario
from support.trust import AGENT, DAEMON, THEIRS, create_provider, create_role, trusting

_DAEMON = {"role_name": "daemon", "cluster_name": CLUSTER, "subjects": [DAEMON]}


def _theirs(clients: Clients) -> None:
    create_role(clients, "daemon", THEIRS)


def _provider_of_others(clients: Clients) -> None:
    create_provider(clients, ["vault"])
    create_role(clients, "daemon", THEIRS, trusting(clients, AGENT))


def _both_trusted(clients: Clients) -> None:
    create_provider(clients)
    create_role(clients, "daemon", trusting(clients, AGENT, DAEMON), THEIRS)


SCENARIOS = [
    Scenario("irsa_trust", "a new provider", {**_DAEMON, "create_oidc_provider": True}, _theirs),
    Scenario(
        "irsa_trust",
        "a new audience, watched",
        {**_DAEMON, "create_oidc_provider": True, "settle_seconds": 0.1},
        _provider_of_others,
    ),
    Scenario("irsa_trust", "no longer", {**_DAEMON, "state": "absent"}, _both_trusted),
    Scenario("irsa_trust", "this one alone", {**_DAEMON, "state": "exact"}, _both_trusted),
    Scenario("irsa_trust", "already trusted", _DAEMON, _both_trusted, changes=False),
]
