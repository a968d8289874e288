"""What is fuzzed: the same application bare and traced, in each of the ways a service can be traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fuzz.applications import application, flask_application
from fuzz.exchange import Application
from support.http_server import http_server
from support.segments import RulesServer, rules_server, sampling_rule
from tracing import Tracing, TracingSettings, httpclient, instrument, threads, uninstrument
from tracing.opentelemetry.endpoint import Endpoint
from tracing.wsgi import TracedApplication

Wrap = Callable[[Any, Tracing], Application]
Address = tuple[str, int]


@dataclass(frozen=True, eq=False)
class Site:
    """An application without and with tracing."""

    bare: Application
    traced: Application
    tracing: Tracing

    @property
    def goes_to_daemon(self) -> bool:
        """Whether its segments are documents for the daemon; spans go elsewhere, and are counted later."""
        return self.tracing.settings.mode != "opentelemetry"

    @property
    def trusts(self) -> bool:
        """Whether an incoming decision is obeyed."""
        return self.tracing.settings.trust_incoming_sampled

    @property
    def handed(self) -> int:
        """Documents that were sent or dropped."""
        return self.tracing.sent + self.tracing.dropped


@contextmanager
def open_sites(daemon: Address, wrap: Wrap = TracedApplication) -> Iterator[list[Site]]:
    """An inner service, a public edge, a service that is not traced, one traced by OpenTelemetry, and a Flask app."""
    with _rules() as rules, http_server() as collector:

        def settings(name: str, **changes: Any) -> TracingSettings:
            return TracingSettings(name, udp_address=daemon, tcp_address=rules.address, **changes)

        inner = Tracing(settings("inner", trust_incoming_sampled=True))
        edge = Tracing(settings("the edge: 1/2"))
        off = Tracing(settings("off", mode="off"))
        endpoint = Endpoint(f"{collector.url}/v1/traces", region=None)
        spans = Tracing(settings("spans", mode="opentelemetry", endpoint=endpoint, trust_incoming_sampled=True))
        all_plain = (inner, edge, off, spans)
        plain, flask = flask_application(), flask_application()
        sites = [Site(application, wrap(application, tracing), tracing) for tracing in all_plain]
        sites.append(Site(plain, flask, instrument(flask, settings("flask", trust_incoming_sampled=True))))
        edge.start(wait_seconds=10)
        threads.instrument()
        httpclient.instrument({"other.example": "other"})
        try:
            yield sites
        finally:
            httpclient.uninstrument()
            threads.uninstrument()
            uninstrument(flask)
            for tracing in all_plain:
                tracing.stop()


@contextmanager
def _rules() -> Iterator[RulesServer]:
    some = sampling_rule(RuleName="some", URLPath="/p*", FixedRate=0.5, ReservoirSize=1, Priority=1)
    rest = sampling_rule(RuleName="Default", FixedRate=0.3, Priority=10000)
    with rules_server(some, rest) as rules:
        yield rules
