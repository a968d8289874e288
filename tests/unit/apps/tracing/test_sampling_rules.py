"""A rule's decisions second by second, and what it reports of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import tracing.sampling
from aws_xray_sdk.core.sampling.sampling_rule import SamplingRule
from tracing.sampling import Rule, RuleSet

NOW = 1_700_000_000

At = Callable[[float], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets the time, in seconds after NOW."""

    def moved(seconds: float) -> None:
        monkeypatch.setattr(tracing.sampling, "time", lambda: NOW + seconds)

    moved(0.0)
    return moved


def _fetched(name: str = "rule", rate: float = 0.0, reservoir: int = 0, **changes: Any) -> Any:
    given = {"host": "*", "method": "*", "path": "*", "service": "*", "service_type": "*", "priority": 1} | changes
    return SamplingRule(name=name, rate=rate, reservoir_size=reservoir, **given)


def _target(quota: int | None, rate: float = 0.0, lasts_seconds: int = 60) -> dict[str, Any]:
    return {"quota": quota, "TTL": NOW + lasts_seconds, "interval": 10, "rate": rate}


def _sampled(rule: Rule, requests: int) -> int:
    return sum(rule.decide().sampled for _unused in range(requests))


def test_one_a_second_is_borrowed_until_there_is_a_quota(at: At) -> None:
    rule = Rule(_fetched(reservoir=5))
    assert _sampled(rule, 50) == 1
    at(0.9)
    assert _sampled(rule, 50) == 0
    at(1.0)
    assert _sampled(rule, 50) == 1
    assert rule.snapshot_statistics() == {"request_count": 150, "borrow_count": 2, "sampled_count": 0}


def test_rule_without_a_reservoir_borrows_nothing(at: At) -> None:
    assert _sampled(Rule(_fetched()), 50) == 0


def test_quota_is_taken_every_second_as_long_as_it_holds(at: At) -> None:
    rule = Rule(_fetched(reservoir=5))
    assert _sampled(rule, 50) == 1
    rule.aim(_target(quota=3, lasts_seconds=1))
    assert _sampled(rule, 50) == 3  # at once, though the reservoir was empty in this second
    at(1.5)
    assert _sampled(rule, 50) == 3
    at(2.5)
    assert _sampled(rule, 50) == 1  # the quota is over: borrowed again
    assert rule.snapshot_statistics() == {"request_count": 200, "borrow_count": 2, "sampled_count": 6}


def test_rate_decides_beyond_the_reservoir(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    thrown = iter([0.0, 0.049, 0.05, 0.999])
    monkeypatch.setattr(tracing.sampling, "_die", lambda: next(thrown))
    rule = Rule(_fetched(rate=0.05))
    assert [rule.decide().sampled for _unused in range(4)] == [True, True, False, False]


def test_statistics_that_did_not_arrive_are_told_again(at: At) -> None:
    rule = Rule(_fetched(rate=1.0))
    _sampled(rule, 3)
    assert rule.snapshot_statistics()["request_count"] == 3
    _sampled(rule, 2)
    assert rule.snapshot_statistics()["request_count"] == 5
    rule.is_reported()
    _sampled(rule, 1)
    assert rule.snapshot_statistics() == {"request_count": 1, "borrow_count": 0, "sampled_count": 1}


def test_rules_that_are_fetched_anew_go_on_from_where_the_old_ones_were(at: At) -> None:
    before = RuleSet([_fetched(reservoir=5), _fetched("other", priority=2)])
    rule = before.rules[0]
    rule.aim(_target(quota=2))
    assert _sampled(rule, 10) == 2
    after = RuleSet([_fetched("new"), _fetched(reservoir=5)], before)
    renewed = next(each for each in after.rules if each.name == "rule")
    assert _sampled(renewed, 10) == 0
    assert _sampled(rule, 1) == 0  # a request that still holds the old one is counted as well
    assert renewed.snapshot_statistics() == {"request_count": 21, "borrow_count": 0, "sampled_count": 2}


def test_requests_of_many_threads_are_counted_and_the_quota_is_kept(at: At) -> None:
    rule = Rule(_fetched(reservoir=5))
    rule.aim(_target(quota=100))
    sampled: list[int] = []
    threads = [threading.Thread(target=lambda: sampled.append(_sampled(rule, 1000))) for _unused in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sampled) == 100
    assert rule.snapshot_statistics() == {"request_count": 8000, "borrow_count": 0, "sampled_count": 100}


def test_what_matched_is_remembered_within_bounds(at: At) -> None:
    rules = RuleSet([_fetched(path="/things/*")])
    for number in range(5000):
        rules.match(("shop", "example.com", "GET", f"/things/{number}"))
    rules.match(("shop", "example.com", "GET", "/things/" + "x" * 100_000))
    assert 0 < len(rules.remembered) <= 2048
    assert all(len(path) < 1000 for _service, _host, _method, path in rules.remembered)
