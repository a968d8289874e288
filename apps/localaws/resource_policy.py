"""Refuses resource policies as CloudWatch Logs does, before moto takes them: moto takes any text."""

from __future__ import annotations

from typing import Any

from localaws.access.patterns import listed
from localaws.policy_document import parsed_policy
from localaws.service import ServiceError


def check_resource_policy(text: str) -> None:
    """Raises ServiceError InvalidParameterException for what is not a resource policy.

    Source: CloudWatch Logs API reference, PutResourcePolicy.
    """
    try:
        policy = parsed_policy(text)
    except ValueError:
        policy = None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    found = listed(statements)
    if not found or not all(map(_is_statement, found)):
        raise ServiceError("InvalidParameterException", "The policy document is not a valid resource policy.")


def _is_statement(statement: Any) -> bool:
    """Whether it has what evaluating it relies on."""
    return (
        isinstance(statement, dict)
        and statement.get("Effect") in ("Allow", "Deny")
        and _is_principal(statement.get("Principal"))
        and _are_texts(statement.get("Action"))
        and _are_texts(statement.get("Resource"))
        and _is_condition(statement.get("Condition", {}))
    )


def _is_principal(value: Any) -> bool:
    return _are_texts(value) if not isinstance(value, dict) else all(map(_are_texts, value.values()))


def _are_texts(value: Any) -> bool:
    found = listed(value)
    return bool(found) and all(isinstance(item, str) for item in found)


def _is_condition(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(keys, dict) and all(map(listed, keys.values())) for keys in value.values()
    )
