"""Decides by identity policies what a caller may do.

The rules are those of the IAM User Guide, "Policy evaluation logic": an explicit deny wins; else an identity policy
must allow it, and so must the permissions boundary and the session policies, where there are any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from localaws.access.conditions import Context, conditions_hold, with_variables
from localaws.access.patterns import like, listed

Effect = Literal["Allow", "Deny"]


@dataclass(frozen=True, slots=True)
class Need:
    """What a call must be allowed: an action on a resource; `context` are the condition keys that only it has."""

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policies:
    """The JSON texts that decide about a caller; None where there is no such bound."""

    identity: tuple[str, ...]
    boundary: tuple[str, ...] | None = None
    session: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a need is not allowed, in AWS' words; explicit when a statement denies it."""

    reason: str
    is_explicit: bool


def refusal_of(policies: Policies, need: Need, context: Context) -> Refusal | None:
    """Why the need is not allowed; None when it is."""
    layers = {
        "identity-based policy": policies.identity,
        "permissions boundary": policies.boundary,
        "session policy": policies.session,
    }
    effects = {name: effect_of(texts, need, context) for name, texts in layers.items() if texts is not None}
    for name, effect in effects.items():
        if effect == "Deny":
            article = "an" if name.startswith("i") else "a"
            return Refusal(f"with an explicit deny in {article} {name}", is_explicit=True)
    for name, effect in effects.items():
        if effect is None:
            return Refusal(f"because no {name} allows the {need.action} action", is_explicit=False)
    return None


def effect_of(policies: Iterable[str], need: Need, context: Context) -> Effect | None:
    """What policies say about a need; None when they say nothing."""
    whole = {**context, **need.context}
    effects = {
        statement["Effect"]
        for text in policies
        for statement in _statements(text)
        if names_action(statement, need.action)
        and _names_resource(statement, need.resource, whole)
        and conditions_hold(statement.get("Condition", {}), whole)
    }
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else None


@lru_cache(maxsize=1024)
def _statements(text: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(listed(json.loads(text).get("Statement")))


def names_action(statement: Mapping[str, Any], action: str) -> bool:
    """Whether a statement is about an action."""
    key = "NotAction" if "NotAction" in statement else "Action"
    named = any(like(pattern.lower(), action.lower()) for pattern in listed(statement.get(key)))
    return named == (key == "Action")


def _names_resource(statement: Mapping[str, Any], resource: str, context: Context) -> bool:
    key = "NotResource" if "NotResource" in statement else "Resource"
    patterns = [with_variables(pattern, context) for pattern in listed(statement.get(key))]
    named = any(pattern is not None and like(pattern, resource) for pattern in patterns)
    return named == (key == "Resource")
