"""IAM's condition operators and policy variables."""

from __future__ import annotations

from typing import Any

import pytest
from localaws.access.conditions import conditions_hold, with_variables
from localaws.service import ServiceError

CONTEXT = {
    "a:number": ["10"],
    "a:date": ["2026-05-01T12:00:00Z"],
    "a:flag": ["true"],
    "a:address": ["10.1.2.3"],
    "a:arn": ["arn:aws:iam::123456789012:role/team/shop"],
    "a:text": ["Shop"],
    "a:many": ["one", "two"],
    "aws:username": ["somebody"],
}


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "outcome"),
    [
        ("NumericEquals", "a:number", ["3", "10.0"], True),
        ("NumericNotEquals", "a:number", 10, False),
        ("NumericLessThan", "a:number", "10", False),
        ("NumericLessThanEquals", "a:number", "10", True),
        ("NumericGreaterThan", "a:number", "9.5", True),
        ("NumericGreaterThanEquals", "a:text", "9", False),
        ("DateEquals", "a:date", "2026-05-01T14:00:00+02:00", True),
        ("DateLessThan", "a:date", "2026-05-02T00:00:00Z", True),
        ("DateGreaterThan", "a:date", "1777636801", False),
        ("DateGreaterThanEquals", "a:date", "1777636800", True),
        ("DateLessThan", "a:date", "soon", False),
        ("Bool", "a:flag", True, True),
        ("Bool", "a:flag", "false", False),
        ("IpAddress", "a:address", ["192.168.0.0/16", "10.0.0.0/8"], True),
        ("NotIpAddress", "a:address", "10.1.2.0/24", False),
        ("IpAddress", "a:address", "somewhere", False),
        ("ArnLike", "a:arn", "arn:aws:iam::*:role/team/*", True),
        ("ArnLike", "a:arn", "arn:aws:*", False),
        ("ArnEquals", "a:arn", "arn:aws:iam::123456789012:role/*", True),
        ("ArnNotLike", "a:arn", "arn:aws:iam::*:user/*", True),
        ("StringNotEqualsIgnoreCase", "a:text", "shop", False),
        ("StringLike", "a:text", "Sh?p", True),
        ("StringEquals", "a:text", "Sh*p", False),
        ("ForAllValues:StringEquals", "a:many", ["one", "two", "three"], True),
        ("ForAllValues:StringEquals", "a:many", ["one"], False),
        ("ForAnyValue:StringLike", "a:many", "t*", True),
        ("NumericLessThanIfExists", "a:absent", "1", True),
        ("NumericLessThan", "a:absent", "1", False),
        ("DateNotEquals", "a:absent", "2026-01-01T00:00:00Z", True),
        ("Null", "a:absent", True, True),
        ("Null", "a:text", "true", False),
        ("StringEquals", "a:text", "${a:Text}", True),
        ("StringEquals", "a:text", "${a:absent}", False),
    ],
)
def test_operator(operator: str, key: str, wanted: Any, outcome: bool) -> None:
    assert conditions_hold({operator: {key.upper(): wanted}}, CONTEXT) is outcome


def test_every_line_must_hold() -> None:
    good, bad = {"Bool": {"a:flag": "true"}}, {"StringEquals": {"a:text": "Other"}}
    assert conditions_hold({}, CONTEXT)
    assert conditions_hold(good, CONTEXT)
    assert not conditions_hold({**good, **bad}, CONTEXT)


def test_operator_that_is_not_known_is_said() -> None:
    with pytest.raises(ServiceError, match="condition operator StringSame"):
        conditions_hold({"StringSame": {"a:text": "x"}}, CONTEXT)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("home/${aws:username}/*", "home/somebody/*"),
        ("${aws:PrincipalTag/team, 'none'}", "none"),
        ("${aws:PrincipalTag/team}", None),
        ("literal ${*} and ${$}", "literal * and $"),
    ],
)
def test_policy_variables_are_filled_in(text: str, filled: str | None) -> None:
    assert with_variables(text, CONTEXT) == filled
