"""Evaluates a role's trust policy: who may assume it, by which action, under which conditions.

The rules are those of the IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from localaws.access.conditions import Context, conditions_hold
from localaws.access.evaluation import Effect, names_action
from localaws.access.patterns import listed

PrincipalType = Literal["Federated", "AWS", "Service"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to assume a role: by whom, by which action, with which condition keys (lower case) set to what."""

    principal_type: PrincipalType
    principals: frozenset[str]
    action: str
    context: Context


def is_trusted(policy: Mapping[str, Any], attempt: Attempt) -> bool:
    """True when a statement allows the attempt and none denies it.

    Raises ServiceError NotImplemented for a condition operator that is not known here.
    """
    found = effects(policy, attempt)
    return "Allow" in found and "Deny" not in found


def effects(policy: Mapping[str, Any], attempt: Attempt) -> set[Effect]:
    """The effects of all statements that apply to the attempt."""
    return {
        statement["Effect"]
        for statement in listed(policy.get("Statement"))
        if _names_principal(statement, attempt)
        and names_action(statement, attempt.action)
        and conditions_hold(statement.get("Condition", {}), attempt.context)
    }


def _names_principal(statement: Mapping[str, Any], attempt: Attempt) -> bool:
    if "NotPrincipal" in statement:
        return not _matches_principal(statement["NotPrincipal"], attempt)
    return _matches_principal(statement.get("Principal"), attempt)


def _matches_principal(principal: Any, attempt: Attempt) -> bool:
    if principal == "*":
        return True
    named = listed(principal.get(attempt.principal_type)) if isinstance(principal, Mapping) else []
    return "*" in named or not attempt.principals.isdisjoint(named)
