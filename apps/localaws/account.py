"""Puts an account together: its clusters, its services and the application in front of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localaws import cloudwatch, eks, providers, sts, xray
from localaws.admin import Admin
from localaws.app import Application
from localaws.iam import Iam
from localaws.identity import Issuer, TokenKeeper
from localaws.moto_gateway import MotoGateway
from localaws.seed import Seed
from localaws.service import Service
from localaws.xray.span_logs import SpanLogs


@dataclass(frozen=True, slots=True)
class Account:
    """A running account: what answers, and what keeps its service accounts' tokens."""

    application: Application
    tokens: TokenKeeper


def create_account(seed: Seed, state_folder: Path, clock: Callable[[], float] = time.time) -> Account:
    """An account as the seed has it. Raises IssuerKeyError and OSError for a state folder that cannot be used."""
    issuers = {
        cluster.name: Issuer(cluster.name, seed.region, state_folder / "issuers" / f"{cluster.name}.pem")
        for cluster in seed.clusters
    }
    moto = MotoGateway()
    iam = Iam(moto.lock)
    services = _services(seed, issuers, iam, SpanLogs(moto.lock), clock)
    projected = [(issuers[cluster.name], token) for cluster in seed.clusters for token in cluster.project_tokens]
    application = Application(services, moto, Admin(services, issuers), seed.region)
    return Account(application, TokenKeeper(projected, clock))


def _services(
    seed: Seed, issuers: dict[str, Issuer], iam: Iam, span_logs: SpanLogs, clock: Callable[[], float]
) -> dict[str, Service]:
    services = [
        eks.create_service(clock, seed, issuers, iam),
        sts.create_service(clock, {issuer.url: issuer for issuer in issuers.values()}, iam),
        providers.create_service(iam),
        xray.create_service(clock, span_logs.xray_may_write, seed.transition_seconds),
        cloudwatch.create_service(clock),
    ]
    return {service.name: service for service in services}
