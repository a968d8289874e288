"""Evaluates a role's trust policy: who may assume it, by which action, under which conditions.

The rules are those of the IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition
operators".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from localaws.service import ServiceError

PrincipalType = Literal["Federated", "AWS", "Service"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to assume a role: by whom, by which action, with which condition keys (lower case) set to what."""

    principal_type: PrincipalType
    principals: frozenset[str]
    action: str
    context: Mapping[str, Sequence[str]]


def is_trusted(policy: Mapping[str, Any], attempt: Attempt) -> bool:
    """True when a statement allows the attempt and none denies it.

    Raises ServiceError NotImplemented for a condition operator that is not known here.
    """
    effects = {statement["Effect"] for statement in _list(policy.get("Statement")) if _applies(statement, attempt)}
    return "Allow" in effects and "Deny" not in effects


def _applies(statement: Mapping[str, Any], attempt: Attempt) -> bool:
    return (
        _names_principal(statement, attempt)
        and _names_action(statement, attempt)
        and all(
            _holds(operator, key, _list(wanted), attempt)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _names_principal(statement: Mapping[str, Any], attempt: Attempt) -> bool:
    if "NotPrincipal" in statement:
        return not _matches_principal(statement["NotPrincipal"], attempt)
    return _matches_principal(statement.get("Principal"), attempt)


def _matches_principal(principal: Any, attempt: Attempt) -> bool:
    if principal == "*":
        return True
    named = _list(principal.get(attempt.principal_type)) if isinstance(principal, Mapping) else []
    return "*" in named or not attempt.principals.isdisjoint(named)


def _names_action(statement: Mapping[str, Any], attempt: Attempt) -> bool:
    key = "NotAction" if "NotAction" in statement else "Action"
    named = any(_like(pattern.lower(), attempt.action.lower()) for pattern in _list(statement.get(key)))
    return named == (key == "Action")


def _holds(operator: str, key: str, wanted: list[str], attempt: Attempt) -> bool:
    """Whether one line of a condition holds for the attempt."""
    quantifier, _unused, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    given = attempt.context.get(key.lower())
    if name == "Null":
        return (given is None) == (str(wanted[0]).lower() == "true")
    matches, negated = _comparison(name.removesuffix("IfExists"))
    if given is None:
        # A missing key fails an operator, unless it is a negated one (a value that is not there is not equal).
        return optional or negated or quantifier == "ForAllValues"
    outcomes = [any(matches(str(want), value) for want in wanted) != negated for value in given]
    return any(outcomes) if quantifier == "ForAnyValue" else all(outcomes)


def _comparison(operator: str) -> tuple[Any, bool]:
    """(how one wanted value is held against one given value, whether the outcome is turned round)."""
    negated = "Not" in operator
    comparisons = {
        "StringEquals": _equals,
        "StringEqualsIgnoreCase": _equals_ignoring_case,
        "StringLike": _like,
        "ArnEquals": _like,
        "ArnLike": _like,
    }
    plain = operator.replace("Not", "", 1)
    if plain not in comparisons:
        raise ServiceError("NotImplemented", f"localaws does not evaluate the condition operator {operator}", 501)
    return comparisons[plain], negated


def _equals(wanted: str, given: str) -> bool:
    return wanted == given


def _equals_ignoring_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _like(pattern: str, given: str) -> bool:
    """Whether a text matches a pattern whose * is any text and ? any one character."""
    translated = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(translated, given, re.DOTALL) is not None


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
