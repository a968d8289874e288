"""Puts an account together: its clusters, its services, its faults and the journal of its calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localaws import cloudwatch, eks, providers, sts, xray
from localaws.access.callers import Callers
from localaws.access.gate import Gate
from localaws.access.sessions import Sessions
from localaws.faults import Faults
from localaws.identity import ExternalIssuer, Issuer, TokenKeeper, cluster_number
from localaws.journal import Journal
from localaws.moto_gateway import MotoGateway
from localaws.regions import partition_of
from localaws.seed import Seed
from localaws.service import Service
from localaws.xray.span_logs import SpanLogs

Services = Mapping[str, Service]


class Account:
    """A running account: what it holds now, and what keeps its service accounts' tokens.

    `changes` grows with each call that may have changed something.
    """

    def __init__(
        self,
        region: str,
        make_services: Callable[[], Services],
        moto: MotoGateway,
        gate: Gate,
        issuers: Mapping[str, Issuer],
        tokens: TokenKeeper,
    ) -> None:
        self.region = region
        self.moto = moto
        self.gate = gate
        self.issuers = issuers
        self.tokens = tokens
        self.faults = Faults()
        self.journal = Journal()
        self.services = make_services()
        self.changes = 0
        self._make_services = make_services

    def reset(self) -> None:
        """Makes the account what it was at the start; the issuers' keys and the tokens stay."""
        self.moto.reset()
        self.services = self._make_services()
        self.faults.clear()
        self.journal.clear()
        self.changes += 1

    def save(self) -> dict[str, Any]:
        """All that the account holds, as JSON."""
        return {"services": {name: service.save() for name, service in self.services.items()}, "moto": self.moto.save()}

    def load(self, document: Mapping[str, Any]) -> None:
        """Takes in what `save` gave. Raises DocumentError for what another version gave."""
        self.moto.load(document["moto"])
        for name, saved in document["services"].items():
            self.services[name].load(saved)


def create_account(seed: Seed, state_folder: Path, clock: Callable[[], float] = time.time) -> Account:
    """An account as the seed has it. Raises IssuerKeyError and OSError for a state folder that cannot be used."""
    own = {
        cluster.name: Issuer(cluster.name, seed.region, state_folder / "issuers" / f"{cluster.name}.pem")
        for cluster in seed.clusters
        if cluster.oidc_issuer is None
    }
    issuers: dict[str, Issuer | ExternalIssuer] = {**own, **_external_issuers(seed)}
    projected = [(own[cluster.name], token) for cluster in seed.clusters for token in cluster.project_tokens]
    partition = partition_of(seed.region)
    moto = MotoGateway(partition)
    iam = moto.iam
    sessions = Sessions(state_folder / "sessions.key", clock)
    gate = Gate(iam, Callers(iam, sessions, seed.root_keys, partition, clock), clock)
    by_url = {issuer.url: issuer for issuer in issuers.values()}
    span_logs = SpanLogs(moto.lock)

    def make_services() -> Services:
        services = [
            eks.create_service(clock, seed, issuers, iam),
            sts.create_service(clock, by_url, iam, sessions, gate),
            providers.create_service(iam),
            xray.create_service(clock, span_logs.xray_may_write, seed.transition_seconds),
            cloudwatch.create_service(clock),
        ]
        return {service.name: service for service in services}

    return Account(seed.region, make_services, moto, gate, own, TokenKeeper(projected, clock))


def _external_issuers(seed: Seed) -> dict[str, ExternalIssuer]:
    return {
        cluster.name: ExternalIssuer(
            outside.url, cluster_number(cluster.name, seed.region), outside.jwks_url, outside.ca_file
        )
        for cluster in seed.clusters
        if (outside := cluster.oidc_issuer)
    }
