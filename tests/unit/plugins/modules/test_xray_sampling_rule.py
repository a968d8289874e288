"""xray_sampling_rule against an account: a list of rules in one call, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.sampling_rules import plan_rules
from ansible_collections.deepobs.eks.plugins.modules.xray_sampling_rule import converge, read_rules
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_cycle, run_module

ORDERS = {"name": "shop-orders", "priority": 100, "fixed_rate": 1.0, "http_method": "POST", "url_path": "/api/orders"}
SHOP = {"name": "shop", "priority": 1000, "fixed_rate": 0.05, "reservoir_size": 5, "attributes": {"tier": "backend"}}
pytestmark = pytest.mark.usefixtures("account")


def rule(name: str = "shop", **options: Any) -> dict[str, Any]:
    """A rule with the module's defaults."""
    patterns = ("service_name", "service_type", "host", "http_method", "url_path", "resource_arn")
    given = {"fixed_rate": 0.05, "reservoir_size": 1, "attributes": {}, "sampling_rate_boost": None, **options}
    return {"name": name, **dict.fromkeys(patterns, "*"), **given}


def rules(aws: Any) -> dict[str, dict[str, Any]]:
    records = aws.xray.get_sampling_rules()["SamplingRuleRecords"]
    return {record["SamplingRule"]["RuleName"]: record["SamplingRule"] for record in records}


def test_rules_are_created_together(aws: Any) -> None:
    done = run_cycle("xray_sampling_rule", {"rules": [ORDERS, SHOP]}).done

    assert [rule["name"] for rule in done["rules"]] == ["shop-orders", "shop"]
    assert rules(aws)["shop-orders"]["URLPath"] == "/api/orders"
    assert rules(aws)["shop"]["FixedRate"] == 0.05
    assert rules(aws)["shop"]["Attributes"] == {"tier": "backend"}


def test_a_changed_rule_is_updated_and_the_others_stay(aws: Any) -> None:
    run_module("xray_sampling_rule", {"rules": [ORDERS, SHOP]})
    before = rules(aws)

    run_cycle("xray_sampling_rule", {"rules": [{**SHOP, "fixed_rate": 0.5}]})

    assert rules(aws) == {**before, "shop": {**before["shop"], "FixedRate": 0.5}}


def test_rules_are_deleted(aws: Any) -> None:
    run_module("xray_sampling_rule", {"rules": [ORDERS, SHOP]})

    gone = run_cycle("xray_sampling_rule", {"rules": [{"name": "shop"}, {"name": "never-there"}], "state": "absent"})

    assert gone.done["rules"] == []
    assert sorted(rules(aws)) == ["Default", "shop-orders"]


def test_the_built_in_rule_gets_another_rate(aws: Any) -> None:
    done = run_cycle("xray_sampling_rule", {"rules": [{"name": "Default", "fixed_rate": 0.5}]}).done
    rate = rules(aws)["Default"]["FixedRate"]
    run_module("xray_sampling_rule", {"rules": [{"name": "Default", "fixed_rate": 0.05}]})

    assert (rate, done["rules"][0]["priority"]) == (0.5, 10000)


def test_the_exact_rules_are_left(aws: Any) -> None:
    run_module("xray_sampling_rule", {"rules": [ORDERS, SHOP]})

    run_cycle("xray_sampling_rule", {"rules": [SHOP], "state": "exact"})

    assert sorted(rules(aws)) == ["Default", "shop"]

    run_cycle("xray_sampling_rule", {"rules": [], "state": "exact"})

    assert sorted(rules(aws)) == ["Default"]


def test_a_boost_is_set(aws: Any) -> None:
    boost = {"max_rate": 0.5, "cooldown_window_minutes": 10}
    done = run_cycle("xray_sampling_rule", {"rules": [{**SHOP, "sampling_rate_boost": boost}]}).done

    assert done["rules"][0]["sampling_rate_boost"] == boost
    assert rules(aws)["shop"]["SamplingRateBoost"] == {"MaxRate": 0.5, "CooldownWindowMinutes": 10}


def test_a_rule_too_many_is_refused_with_the_ways_out(aws: Any) -> None:
    many = [{**SHOP, "name": f"rule-{number}"} for number in range(26)]

    with pytest.raises(ModuleFailedError, match=r"rule-25: .*The region has as many rules .* state exact"):
        run_module("xray_sampling_rule", {"rules": many})
    run_module(
        "xray_sampling_rule", {"rules": [{**SHOP, "name": f"other-{number}"} for number in range(25)], "state": "exact"}
    )

    assert len(rules(aws)) == 26


class _Meanwhile:
    """An X-Ray in which somebody else does something right before a call of ours."""

    def __init__(self, aws: Any, operation: str, meddle: Callable[[], object]) -> None:
        self._xray, self._operation, self._meddle = aws.xray, operation, meddle

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def run(aws_retry: bool, **parameters: Any) -> Any:
            if operation == self._operation:
                self._operation = ""
                self._meddle()
            return getattr(self._xray, operation)(**parameters)

        return run


def converge_meanwhile(
    aws: Any, wanted: list[dict[str, Any]], state: str, operation: str, meddle: Callable[[], object]
) -> None:
    """Runs the module's apply while somebody meddles."""
    client = _Meanwhile(aws, operation, meddle)
    converge(client, plan_rules(read_rules(client), wanted, state), wanted, state)


@pytest.mark.parametrize(
    ("operation", "state", "theirs"),
    [
        ("create_sampling_rule", "present", {"rules": [{**ORDERS, "fixed_rate": 0.5}]}),
        ("update_sampling_rule", "present", {"rules": [{"name": "shop"}], "state": "absent"}),
        ("delete_sampling_rule", "exact", {"rules": [{"name": "old"}], "state": "absent"}),
    ],
)
def test_what_somebody_else_did_meanwhile_is_planned_for(
    aws: Any, operation: str, state: str, theirs: dict[str, Any]
) -> None:
    run_module("xray_sampling_rule", {"rules": [{**SHOP, "fixed_rate": 0.9}, {**SHOP, "name": "old"}]})
    wanted = [rule("shop", priority=1000), rule("shop-orders", priority=100)]

    converge_meanwhile(aws, wanted, state, operation, lambda: run_module("xray_sampling_rule", theirs))

    assert not plan_rules(read_rules(_Meanwhile(aws, "", print)), wanted, state).changed


def test_what_xray_goes_on_refusing_fails(aws: Any) -> None:
    wanted = [rule(priority=5, fixed_rate=7.0)]

    with pytest.raises(DeepobsError, match="create sampling rule shop"):
        converge_meanwhile(aws, wanted, "present", "", print)


def test_what_comes_back_is_documented() -> None:
    assert (
        differences(return_documentation("xray_sampling_rule"), run_module("xray_sampling_rule", {"rules": [SHOP]}))
        == []
    )


REFUSED = {
    "no priority": ({"priority": None}, "present", "'shop': priority is required"),
    "no rate": ({"fixed_rate": None}, "present", "'shop': fixed_rate is required"),
    "a low priority": ({"priority": 10000}, "present", "priority must be from 1 to 9999, not 10000"),
    "a rate in percent": ({"fixed_rate": 5}, "present", r"write 5 percent as 0\.05"),
    "a negative reservoir": ({"reservoir_size": -1}, "present", "reservoir_size must not be negative"),
    "a long name": ({"name": "n" * 33}, "present", "1 to 32 characters"),
    "a built-in rule": ({"name": "Default"}, "absent", "cannot be deleted"),
}


@pytest.mark.parametrize(("options", "state", "message"), REFUSED.values(), ids=REFUSED)
def test_what_xray_would_refuse_is_refused_before_anything_is_written(
    aws: Any, options: dict[str, Any], state: str, message: str
) -> None:
    before = rules(aws)

    with pytest.raises(ModuleFailedError, match=message):
        run_module("xray_sampling_rule", {"rules": [ORDERS, {**SHOP, **options}], "state": state})

    assert rules(aws) == before


def test_a_name_given_twice_is_refused(account: str) -> None:
    with pytest.raises(ModuleFailedError, match="'shop' is there 2 times"):
        run_module("xray_sampling_rule", {"rules": [SHOP, SHOP]})
