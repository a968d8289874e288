# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Holds an attempt to assume a role by a web identity token against a trust policy, line by line. Pure.

The rules are those of the IAM User Guide, "Policy evaluation logic", "Condition operators" and "Set operators for
multivalued context keys". What only the request itself can tell, such as its source address, is unknown here: None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.trust_policies import (
    ACTION,
    Comparison,
    Statement,
    Trust,
    as_list,
    comparisons,
    token_subject,
)

# Keys of the request and its session, which no token tells.
_KEYS_OF_THE_REQUEST = ("aws:", "sts:")


@dataclass(frozen=True)
class Attempt:
    """A token that is shown: its provider, and by the lower-case condition key what it says."""

    provider_arn: str
    context: Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """One line of a statement: what it asks for, what the attempt has, and whether it holds (None: unknown)."""

    element: str
    expected: tuple[str, ...]
    actual: str
    holds: bool | None

    def described(self) -> dict[str, Any]:
        """The shape in which modules return it."""
        return {
            "element": self.element,
            "expected": list(self.expected),
            "actual": self.actual,
            "holds": self.holds,
        }


def attempt_of(trust: Trust, subject: str) -> Attempt:
    """The attempt of namespace:service_account with a token of this trust's issuer and audience."""
    issuer = trust.issuer.lower()
    return Attempt(trust.provider_arn, {f"{issuer}:aud": trust.audience, f"{issuer}:sub": token_subject(subject)})


def findings(statement: Statement, attempt: Attempt) -> list[Finding]:
    """Every line of a statement held against the attempt: principal, action, then the conditions in their order."""
    return [
        _principal(statement, attempt),
        _action(statement),
        *(_condition(compared, attempt) for compared in comparisons(statement)),
    ]


def applies(statement: Statement, attempt: Attempt) -> bool | None:
    """Whether the statement, an Allow or a Deny, is about this attempt; None where that hangs on the request."""
    held = [finding.holds for finding in findings(statement, attempt)]
    if False in held:
        return False
    return None if None in held else True


def like(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern in which * is any text and ? any one character."""
    translated = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(translated, text, re.DOTALL) is not None


def _principal(statement: Statement, attempt: Attempt) -> Finding:
    element = "NotPrincipal" if "NotPrincipal" in statement else "Principal"
    named = statement.get(element, {})
    federated = ["*"] if named == "*" else as_list(named.get("Federated", []))
    meant = "*" in federated or attempt.provider_arn in federated
    shown = tuple(federated) or tuple(f"{kind}: {name}" for kind in named for name in as_list(named[kind]))
    return Finding(element, shown, attempt.provider_arn, meant == (element == "Principal"))


def _action(statement: Statement) -> Finding:
    element = "NotAction" if "NotAction" in statement else "Action"
    named = as_list(statement.get(element, []))
    meant = any(like(action.lower(), ACTION.lower()) for action in named)
    return Finding(element, tuple(named), ACTION, meant == (element == "Action"))


def _condition(compared: Comparison, attempt: Attempt) -> Finding:
    key = compared.key.lower()
    element = f"{compared.operator} {compared.key}"
    expected = tuple(map(str, compared.values))
    if key.startswith(_KEYS_OF_THE_REQUEST) or any("${" in value for value in expected):
        return Finding(element, expected, "", None)
    given = attempt.context.get(key)
    return Finding(element, expected, given or "", _holds(compared.operator, expected, given))


def _holds(operator: str, wanted: tuple[str, ...], given: str | None) -> bool | None:
    quantifier, _colon, name = operator.rpartition(":")
    if name == "Null":
        return (given is None) == (wanted[0].lower() == "true")
    plain, optional = name.removesuffix("IfExists"), name.endswith("IfExists")
    compare, negated = _COMPARE.get(plain.replace("Not", "", 1)), "Not" in plain
    if compare is None:
        return None
    if given is None:
        # A key that is not there fails, but for a negated operator; ForAnyValue wants a value in any case.
        return optional or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    return any(compare(value, given) for value in wanted) != negated


_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringEqualsIgnoreCase": lambda wanted, given: wanted.lower() == given.lower(),
    "StringLike": like,
}
