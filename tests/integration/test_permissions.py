"""The IAM permissions in each module's documentation are enough for all its scenarios, and none is too many."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import pytest
import yaml
from support.admin import Admin
from support.clients import Clients
from support.module_cycle import ModuleFailedError, run_module
from support.scenarios import ACCOUNT, Scenario, every_scenario

_NOTE = re.compile(r"IAM permissions: (.+)\.")
_ACTION = re.compile(r"C\(([a-z0-9-]+:[A-Za-z]+)\)")
_BY_MODULE: dict[str, list[Scenario]] = {}
for _scenario in every_scenario():
    _BY_MODULE.setdefault(_scenario.module, []).append(_scenario)

Caller = Callable[[Scenario, Iterable[str]], dict[str, Any]]


def documented_actions(module: str) -> list[str]:
    """The actions of the note "IAM permissions: C(...), C(...)." in a module's documentation."""
    documentation = import_module(f"ansible_collections.deepobs.eks.plugins.modules.{module}").DOCUMENTATION
    notes = yaml.safe_load(documentation).get("notes", [])
    return [action for note in notes if (found := _NOTE.fullmatch(note)) for action in _ACTION.findall(found[1])]


@pytest.fixture
def run_as(admin: Admin, aws: Clients, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Runs a scenario in a new account with the credentials of a role that may do these actions and no others."""

    def run(scenario: Scenario, actions: Iterable[str]) -> dict[str, Any]:
        admin.reset()
        scenario.prepare(aws)
        with monkeypatch.context() as patch:
            for name, value in _credentials(aws, actions).items():
                patch.setenv(name, value)
            return run_module(scenario.module, scenario.arguments)

    return run


def _credentials(aws: Clients, actions: Iterable[str]) -> dict[str, str]:
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    role = aws.iam.create_role(RoleName="operator", AssumeRolePolicyDocument=_policy(trust))["Role"]
    aws.iam.put_role_policy(RoleName="operator", PolicyName="operator", PolicyDocument=_policy(allowed))
    session = aws.sts.assume_role(RoleArn=role["Arn"], RoleSessionName="operator")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_every_module_that_calls_aws_documents_its_permissions() -> None:
    assert [module for module in _BY_MODULE if not documented_actions(module)] == []


@pytest.mark.parametrize("module", _BY_MODULE)
def test_the_documented_permissions_are_enough(module: str, run_as: Caller) -> None:
    for scenario in _BY_MODULE[module]:
        run_as(scenario, documented_actions(module))


@pytest.mark.parametrize(
    ("module", "denied"), [(module, action) for module in _BY_MODULE for action in documented_actions(module)]
)
def test_without_one_of_them_something_fails_and_says_which(module: str, denied: str, run_as: Caller) -> None:
    others = set(documented_actions(module)) - {denied}
    messages = (_failure(run_as, scenario, others) for scenario in _BY_MODULE[module])
    assert any(denied in message for message in messages), f"{module} never needs {denied}, or does not say so"


def _failure(run_as: Caller, scenario: Scenario, actions: Iterable[str]) -> str:
    try:
        run_as(scenario, actions)
    except ModuleFailedError as failed:
        return str(failed.result["msg"])
    return ""
