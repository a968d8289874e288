"""Plans for sampling rules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.sampling_rules import (
    DEFAULT_RULE,
    RulesPlan,
    check_rules,
    from_aws,
    plan_rules,
    to_aws,
)
from hypothesis import given
from hypothesis import strategies as st

PATTERNS = ("service_name", "service_type", "host", "http_method", "url_path", "resource_arn")
BOOST = {"max_rate": 0.5, "cooldown_window_minutes": 10}


def rule(name: str = "shop", **options: Any) -> dict[str, Any]:
    """A rule with the module's defaults."""
    defaults = {"priority": 100, "fixed_rate": 0.05, "reservoir_size": 1, "attributes": {}, "sampling_rate_boost": None}
    return {"name": name, **defaults, **dict.fromkeys(PATTERNS, "*"), **options}


BUILT_IN = rule(DEFAULT_RULE, priority=10_000)
RULES = st.lists(
    st.builds(
        rule, st.sampled_from("abcd"), priority=st.integers(1, 3), sampling_rate_boost=st.sampled_from([None, BOOST])
    ),
    max_size=4,
    unique_by=lambda one: str(one["name"]),
)


def applied(current: list[dict[str, Any]], plan: RulesPlan) -> list[dict[str, Any]]:
    """The rules after X-Ray has carried a plan out."""
    rules = {one["name"]: one for one in current if one["name"] not in plan.delete}
    for one in (*plan.create, *plan.update):
        rules[one["name"]] = one
    return list(rules.values())


@given(RULES, RULES, st.sampled_from(["present", "absent", "exact"]))
def test_a_plan_reaches_what_is_wanted_and_twice_is_once(
    own: list[dict[str, Any]], desired: list[dict[str, Any]], state: str
) -> None:
    current = [BUILT_IN, *own]
    plan = plan_rules(current, desired, state)
    after = applied(current, plan)
    again = plan_rules(after, desired, state)
    assert not again.changed
    assert again.after == plan.after
    by_name = {one["name"]: one for one in after}
    named = {one["name"] for one in desired}
    assert by_name[DEFAULT_RULE] == BUILT_IN
    if state == "absent":
        assert not named & by_name.keys()
    else:
        assert [by_name[one["name"]] for one in desired] == plan.after
    others = [one for one in own if one["name"] not in named]
    assert [one for one in others if one in after] == ([] if state == "exact" else others)
    assert plan.changed is (after != current)


def test_a_boost_that_is_not_given_stays() -> None:
    plan = plan_rules([rule(sampling_rate_boost=BOOST)], [rule(priority=5)], "present")
    assert plan.update[0]["sampling_rate_boost"] == BOOST


def test_values_of_attributes_are_texts() -> None:
    assert not plan_rules([rule(attributes={"version": "2"})], [rule(attributes={"version": 2})], "present").changed


def test_of_the_built_in_rule_only_rate_and_reservoir_change() -> None:
    plan = plan_rules([BUILT_IN], [rule(DEFAULT_RULE, priority=None, fixed_rate=0.5, host="x")], "present")
    assert plan.after == [{**BUILT_IN, "fixed_rate": 0.5}]
    assert to_aws(plan.update[0]) == {"RuleName": DEFAULT_RULE, "FixedRate": 0.5, "ReservoirSize": 1}


@given(RULES)
def test_aws_shape_and_back(rules: list[dict[str, Any]]) -> None:
    assert [from_aws({"SamplingRule": to_aws(one)}) for one in rules] == rules


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": ""}, "name must have 1 to 32"),
        ({"service_name": "s" * 65}, "service_name must have at most 64 characters, not 65"),
        ({"http_method": "m" * 11}, "http_method must have at most 10"),
        ({"url_path": "/" * 129}, "url_path must have at most 128"),
        ({"resource_arn": "a" * 501}, "resource_arn must have at most 500"),
        ({"attributes": dict.fromkeys("abcdef", "x")}, "attributes must be at most 5, not 6"),
        ({"attributes": {"a": "v" * 33}}, "must have 1 to 32 characters"),
        ({"sampling_rate_boost": {**BOOST, "max_rate": 2.0}}, "max_rate is a share from 0 to 1, not 2.0"),
        ({"sampling_rate_boost": {**BOOST, "cooldown_window_minutes": 0}}, "must be at least 1, not 0"),
        ({"name": DEFAULT_RULE, "sampling_rate_boost": BOOST}, "cannot be set for X-Ray's built-in rule"),
    ],
)
@pytest.mark.parametrize("state", ["present", "exact"])
def test_what_xray_would_refuse(options: dict[str, Any], words: str, state: str) -> None:
    with pytest.raises(DeepobsError) as refused:
        check_rules([rule(**options)], state)
    assert words in refused.value.message


def test_a_name_is_given_once() -> None:
    with pytest.raises(DeepobsError, match="there 2 times"):
        check_rules([rule(), rule()], "absent")


def test_absence_needs_a_name_only() -> None:
    check_rules([rule(priority=None, fixed_rate=None)], "absent")
