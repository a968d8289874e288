"""Evaluates the Condition of a policy's statement.

The rules are those of the IAM User Guide, "IAM JSON policy elements: Condition operators", "Policy variables" and
"Single-valued vs. multivalued context keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from localaws.access.patterns import arn_like, like, listed
from localaws.service import ServiceError

Context = Mapping[str, Sequence[str]]
"""The values of condition keys; the keys are lower case."""

_VARIABLE = re.compile(r"\$\{([^},]+)(?:, *'([^']*)')?\}")


def conditions_hold(conditions: Mapping[str, Any], context: Context) -> bool:
    """Whether every line of a Condition holds.

    Raises ServiceError NotImplemented for a condition operator that is not known here.
    """
    return all(
        _holds(
            operator,
            key,
            [_text(want) for want in listed(wanted)],
            context,
        )
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def with_variables(text: str, context: Context) -> str | None:
    """A text with its policy variables filled in; None when one of them has no value and no default."""
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name, default = found.group(1).strip(), found.group(2)
        if name in ("*", "?", "$"):
            return name
        given = context.get(name.lower())
        missing = missing or (not given and default is None)
        return given[0] if given else default or ""

    filled = _VARIABLE.sub(value, text) if "${" in text else text
    return None if missing else filled


def _text(wanted: Any) -> str:
    """A value of a policy as a text; JSON's booleans are spelled true and false."""
    return str(wanted).lower() if isinstance(wanted, bool) else str(wanted)


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    """Whether one line of a condition holds."""
    quantifier, _unused, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    given = context.get(key.lower())
    if name == "Null":
        return (given is None) == (wanted[0].lower() == "true")
    matches, negated = _comparison(name.removesuffix("IfExists"))
    if given is None:
        # A missing key fails an operator, unless it is a negated one (a value that is not there is not equal).
        return optional or negated or quantifier == "ForAllValues"
    filled = [text for want in wanted if (text := with_variables(want, context)) is not None]
    outcomes = [any(matches(want, value) for want in filled) != negated for value in given]
    return any(outcomes) if quantifier == "ForAnyValue" else all(outcomes)


def _comparison(operator: str) -> tuple[Callable[[str, str], bool], bool]:
    """(how one wanted value is held against one given value, whether the outcome is turned round)."""
    plain = operator.replace("Not", "", 1)
    if plain not in _COMPARISONS:
        raise ServiceError("NotImplemented", f"localaws does not evaluate the condition operator {operator}", 501)
    return _COMPARISONS[plain], plain != operator


def _equals(wanted: str, given: str) -> bool:
    return wanted == given


def _equals_ignoring_case(wanted: str, given: str) -> bool:
    return wanted.lower() == given.lower()


def _in_network(wanted: str, given: str) -> bool:
    try:
        return ip_address(given) in ip_network(wanted, strict=False)
    except ValueError:
        return False


def _ordered(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    """A comparison of numbers or times; what is none matches nothing."""

    def matches(wanted: str, given: str) -> bool:
        try:
            return compare(read(given), read(wanted))
        except ValueError:
            return False

    return matches


def _moment(text: str) -> float:
    """The epoch seconds of a time of day in ISO 8601 or of such seconds."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda given, wanted: given == wanted,
    "LessThan": lambda given, wanted: given < wanted,
    "LessThanEquals": lambda given, wanted: given <= wanted,
    "GreaterThan": lambda given, wanted: given > wanted,
    "GreaterThanEquals": lambda given, wanted: given >= wanted,
}
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": _equals_ignoring_case,
    "BinaryEquals": _equals,
    "IpAddress": _in_network,
    **{f"Numeric{name}": _ordered(float, order) for name, order in _ORDERS.items()},
    **{f"Date{name}": _ordered(_moment, order) for name, order in _ORDERS.items()},
}
