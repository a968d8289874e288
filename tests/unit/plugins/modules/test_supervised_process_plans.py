"""The plans of supervised_process, which are pure: what is there and what is wanted, as tables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.supervisor import may_hold_port
from ansible_collections.deepobs.eks.plugins.modules.supervised_process import (
    Observed,
    Plan,
    others_ports,
    plan_absent,
    plan_present,
)

NOTHING = Observed(config=None, definitions={}, states=None)


def observed(**states: str) -> Observed:
    """A supervisor that runs, with a definition of each process."""
    return Observed(config="config", definitions=dict.fromkeys(states, "old"), states=states)


def does(plan: Plan) -> dict[str, Any]:
    return {what: value for what, value in vars(plan).items() if value}


PRESENT: dict[str, tuple[Observed, str, bool, dict[str, Any]]] = {
    "nothing is there": (
        NOTHING,
        "old",
        False,
        {"configure": True, "start_supervisor": True, "define": ["api"], "start": ["api"]},
    ),
    "it runs": (observed(api="RUNNING"), "old", False, {}),
    "it runs by another definition": (
        observed(api="RUNNING"),
        "new",
        False,
        {"define": ["api"], "start": ["api"], "stop": ["api"]},
    ),
    "it is to run anew": (observed(api="RUNNING"), "old", True, {"start": ["api"], "stop": ["api"]}),
    "it was stopped": (observed(api="STOPPED"), "old", True, {"start": ["api"]}),
    "it gave up": (observed(api="FATAL"), "old", False, {"start": ["api"]}),
    "it fails again and again": (observed(api="BACKOFF"), "old", False, {"start": ["api"], "stop": ["api"]}),
    "its supervisor was killed": (
        Observed(config="config", definitions={"api": "old"}, states=None),
        "old",
        False,
        {"start_supervisor": True, "start": ["api"]},
    ),
}


@pytest.mark.parametrize(("before", "definition", "restart", "expected"), PRESENT.values(), ids=PRESENT)
def test_present_does_what_is_missing(
    before: Observed, definition: str, restart: bool, expected: dict[str, Any]
) -> None:
    assert does(plan_present(before, "config", {"api": definition}, restart=restart)) == expected


ABSENT: dict[str, tuple[Observed, bool, dict[str, Any]]] = {
    "nothing is there": (NOTHING, False, {}),
    "nothing is there to shut down": (NOTHING, True, {}),
    "it runs": (observed(api="RUNNING", page="RUNNING"), False, {"remove": ["api"]}),
    "all must go": (observed(api="RUNNING", page="FATAL"), True, {"shutdown": True, "remove": ["api", "page"]}),
    "only its definition is left": (
        Observed(config="config", definitions={"api": "old"}, states=None),
        True,
        {"remove": ["api"]},
    ),
}


@pytest.mark.parametrize(("before", "shutdown", "expected"), ABSENT.values(), ids=ABSENT)
def test_absent_removes_what_is_there(before: Observed, shutdown: bool, expected: dict[str, Any]) -> None:
    assert does(plan_absent(before, ["api"], shutdown=shutdown)) == expected


@pytest.mark.parametrize(
    ("definition", "state", "is_others"),
    [
        ("; port 4000\n[program:api]", "RUNNING", False),
        ("; port 4001\n[program:api]", "RUNNING", True),
        ("[program:api]", "RUNNING", False),
        ("; port 4000\n[program:api]", "STOPPED", True),
    ],
)
def test_port_is_ones_own_only_while_one_runs_on_it(definition: str, state: str, is_others: bool) -> None:
    before = Observed(config="config", definitions={"api": definition}, states={"api": state})
    needed = [{"name": "api", "port": 4000}]
    assert others_ports(before, needed) == (needed if is_others else [])


def test_longer_port_is_another_port() -> None:
    assert not may_hold_port("; port 40000\n", 4000)
