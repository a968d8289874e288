"""Every scenario of every module, disturbed: what comes out is what comes out undisturbed, or one clear message."""

from __future__ import annotations

from typing import Any

import pytest
from support.admin import Admin
from support.clients import Clients
from support.documented import differences, return_documentation
from support.interrupted import kill_after_call
from support.module_cycle import ONLY_AWS_KNOWS, ModuleFailedError, comparable, run_cycle, run_module
from support.scenarios import Scenario, every_scenario

SCENARIOS = every_scenario()
EVERY_SCENARIO = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
EVERY_CHANGE = pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.changes], ids=str)


@pytest.fixture
def undisturbed(scenario: Scenario, admin: Admin, aws: Clients) -> Undisturbed:
    """The scenario run once without a disturbance, in an account that is then as new again."""
    scenario.prepare(aws)
    admin.forget_calls()
    result = run_module(scenario.module, scenario.arguments)
    undisturbed = Undisturbed(result, admin.calls(), admin.state())
    begin_anew(scenario, admin, aws)
    return undisturbed


class Undisturbed:
    """What a scenario returns, the calls it makes and the account it leaves."""

    def __init__(self, result: dict[str, Any], calls: list[dict[str, Any]], state: dict[str, Any]) -> None:
        self.result = result
        self.calls = calls
        self.state = state


def begin_anew(scenario: Scenario, admin: Admin, aws: Clients) -> None:
    """The account as the scenario finds it."""
    admin.reset()
    scenario.prepare(aws)
    admin.forget_calls()


def comparable_result(scenario: Scenario, result: dict[str, Any]) -> Any:
    return comparable(result, ONLY_AWS_KNOWS | scenario.volatile)


@EVERY_SCENARIO
def test_check_mode_tells_what_the_run_does_and_the_second_run_does_nothing(
    scenario: Scenario, admin: Admin, aws: Clients
) -> None:
    scenario.prepare(aws)
    if scenario.changes:
        cycle = run_cycle(scenario.module, scenario.arguments, ONLY_AWS_KNOWS | scenario.volatile)
        results = [cycle.planned, cycle.done, cycle.done_again]
    else:
        before = admin.state()
        results = [run_module(scenario.module, scenario.arguments, check=check) for check in (True, False)]
        assert comparable_result(scenario, results[0]) == comparable_result(scenario, results[1])
        assert [result["changed"] for result in results] == [False, False]
        assert admin.state() == before
    documented = return_documentation(scenario.module)
    assert [line for result in results for line in differences(documented, result)] == []


@EVERY_CHANGE
def test_check_mode_changes_nothing(scenario: Scenario, admin: Admin, aws: Clients) -> None:
    scenario.prepare(aws)
    before = admin.state()
    run_module(scenario.module, scenario.arguments, check=True)
    assert admin.state() == before


@EVERY_SCENARIO
def test_throttling_of_30_percent_changes_nothing_in_the_end(
    scenario: Scenario, admin: Admin, undisturbed: Undisturbed
) -> None:
    with admin.faults({"probability": 0.3, "error": {"code": "ThrottlingException", "message": "Rate exceeded"}}):
        result = run_module(scenario.module, scenario.arguments)
    assert comparable_result(scenario, result) == comparable_result(scenario, undisturbed.result)
    assert admin.state() == undisturbed.state


@EVERY_SCENARIO
def test_a_500_at_each_call_in_turn_changes_nothing_in_the_end(
    scenario: Scenario, admin: Admin, aws: Clients, undisturbed: Undisturbed
) -> None:
    for number in range(len(undisturbed.calls)):
        begin_anew(scenario, admin, aws)
        with admin.faults({"skip": number, "times": 1, "error": {"code": "InternalFailure", "status": 500}}):
            result = run_module(scenario.module, scenario.arguments)
        call = undisturbed.calls[number]["operation"]
        assert comparable_result(scenario, result) == comparable_result(scenario, undisturbed.result), call
        assert admin.state() == undisturbed.state, call


@EVERY_CHANGE
def test_killed_after_each_call_in_turn_the_next_run_converges(
    scenario: Scenario, admin: Admin, aws: Clients, undisturbed: Undisturbed
) -> None:
    for number, call in enumerate(undisturbed.calls, start=1):
        begin_anew(scenario, admin, aws)
        if not kill_after_call(admin, scenario.module, scenario.arguments, number):
            continue  # how often a change is looked at depends on how long it took
        run_module(scenario.module, scenario.arguments)
        assert admin.state() == undisturbed.state, call["operation"]
        assert not run_module(scenario.module, scenario.arguments)["changed"], call["operation"]


@EVERY_SCENARIO
def test_a_lasting_failure_gives_one_message_that_says_what_to_do(
    scenario: Scenario, admin: Admin, aws: Clients, undisturbed: Undisturbed
) -> None:
    for service, operation in {(call["service"], call["operation"]): None for call in undisturbed.calls}:
        begin_anew(scenario, admin, aws)
        fault = {"service": service, "operation": operation, "error": {"code": "AccessDeniedException", "status": 403}}
        with admin.faults(fault), pytest.raises(ModuleFailedError) as failed:
            run_module(scenario.module, scenario.arguments)
        message = failed.value.result["msg"]
        for part in (operation, "AccessDeniedException", "request id ", "Allow the caller this action"):
            assert part in message
        assert "Traceback" not in message
