"""Decisions to sample: by the daemon's rules, by local ones, by the header."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from flask import Flask
from support.segments import SegmentReceiver, rules_server, sampling_rule
from support.servers import free_port
from support.waiting import eventually
from tracing import TracingSettings, instrument, uninstrument
from tracing.sampling import Decision, Sampler

REQUEST = ("shop", "example.com", "GET", "/things")
ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def lonely() -> Iterator[Sampler]:
    """A sampler whose daemon is not there."""
    sampler = Sampler(("127.0.0.1", free_port()))
    yield sampler
    sampler.stop()


def test_rules_decide_in_the_order_of_their_priority() -> None:
    never = sampling_rule(RuleName="never", Priority=2, FixedRate=0.0, URLPath="/things*")
    other = sampling_rule(RuleName="other", Priority=1, ServiceName="another")
    with rules_server(sampling_rule(), never, other) as server:
        sampler = Sampler(server.address)
        sampler.start(wait_seconds=10)
        assert sampler.decide(*REQUEST) == Decision(sampled=False, rule="never")
        assert sampler.decide("shop", "example.com", "POST", "/orders") == Decision(sampled=True, rule="everything")
        sampler.stop()


def test_reservoir_is_taken_before_the_rate() -> None:
    with rules_server(sampling_rule(FixedRate=0.0, ReservoirSize=5)) as server:
        sampler = Sampler(server.address)
        sampler.start(wait_seconds=10)
        decisions = [sampler.decide(*REQUEST).sampled for _unused in range(50)]
        assert decisions[0] is True
        assert decisions.count(True) <= 3  # one a second is borrowed until the service gives a quota
        sampler.stop()


def test_local_rule_holds_without_a_daemon(lonely: Sampler) -> None:
    decisions = [lonely.decide(*REQUEST) for _unused in range(200)]
    assert decisions[0] == Decision(sampled=True, rule=None)
    assert sum(decision.sampled for decision in decisions) < 100


def test_daemon_that_comes_later_is_found() -> None:
    port = free_port()
    sampler = Sampler(("127.0.0.1", port))
    sampler.start(wait_seconds=10)
    assert sampler.decide(*REQUEST).rule is None
    with rules_server(sampling_rule(), port=port):
        eventually(lambda: sampler.decide(*REQUEST).rule == "everything")
    sampler.stop()


def test_forked_process_fetches_rules_itself() -> None:
    with rules_server(sampling_rule(FixedRate=0.0)) as server:
        sampler = Sampler(server.address)
        sampler.start(wait_seconds=10)
        server.rules[:] = [sampling_rule(RuleName="after the fork")]
        child = os.fork()
        if child == 0:
            sampler.start(wait_seconds=10)
            os._exit(0 if sampler.decide(*REQUEST).rule == "after the fork" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        sampler.stop()


@pytest.mark.parametrize(("trusted", "header", "sampled"), [(True, "1", 1), (False, "1", 0), (True, "0", 0)])
def test_incoming_decision_is_obeyed_only_where_it_is_trusted(
    receiver: SegmentReceiver, trusted: bool, header: str, sampled: int
) -> None:
    with rules_server(sampling_rule(FixedRate=0.0)) as server:
        settings = TracingSettings(
            "shop", udp_address=receiver.address, tcp_address=server.address, trust_incoming_sampled=trusted
        )
        app = Flask("edge")
        app.add_url_rule("/", view_func=lambda: "hello", endpoint="root")
        instrument(app, settings).start(wait_seconds=10)
        answer = app.test_client().get("/", headers={"X-Amzn-Trace-Id": f"Root={ROOT};Sampled={header}"})
        assert answer.text == "hello"
        assert answer.headers["X-Amzn-Trace-Id"] == f"Root={ROOT};Sampled={sampled}"
        assert len(receiver.pending()) == sampled
        uninstrument(app)


def test_root_alone_keeps_the_trace_and_is_sampled_here(receiver: SegmentReceiver) -> None:
    with rules_server(sampling_rule()) as server:
        settings = TracingSettings("shop", udp_address=receiver.address, tcp_address=server.address)
        app = Flask("edge")
        app.add_url_rule("/", view_func=lambda: "hello", endpoint="root")
        instrument(app, settings).start(wait_seconds=10)
        app.test_client().get("/", headers={"X-Amzn-Trace-Id": f"Root={ROOT}"}).get_data()
        segment = receiver.next()
        assert (segment["trace_id"], segment["aws"]) == (ROOT, {"xray": {"sampling_rule_name": "everything"}})
        uninstrument(app)
