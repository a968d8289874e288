"""Refuses resource policies as CloudWatch Logs does, before moto takes them: moto takes any text."""

from __future__ import annotations

import json
from typing import Any

from localaws.service import ServiceError


def check_resource_policy(text: str) -> None:
    """Raises ServiceError InvalidParameterException for what is not a resource policy.

    Source: CloudWatch Logs API reference, PutResourcePolicy.
    """
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    listed = statements if isinstance(statements, list) else [statements]
    if not listed or not all(map(_is_statement, listed)):
        raise ServiceError("InvalidParameterException", "The policy document is not a valid resource policy.")


def _is_statement(statement: Any) -> bool:
    return isinstance(statement, dict) and {"Effect", "Principal", "Action", "Resource"} <= statement.keys()
