"""Metric math: an expression in, time series out.

Source: Amazon CloudWatch user guide, "Using math expressions with CloudWatch metrics".
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from lark import Lark, Token, Tree, UnexpectedInput
from lark.exceptions import VisitError
from lark.visitors import Transformer_NonRecursive

from localaws.cloudwatch.functions import FUNCTIONS, Scope
from localaws.cloudwatch.lines import Line, MathError, Text, Value, Word, arithmetic, condition

UNKNOWN_HERE: Final = (
    "ANOMALY_DETECTION_BAND",
    "DB_PERF_INSIGHTS",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "SERVICE_QUOTA",
)
"""Functions that AWS has and localaws does not."""
_GRAMMAR: Final = r"""
    ?start: disjunction
    ?disjunction: conjunction | disjunction OR conjunction -> logic
    ?conjunction: comparison | conjunction AND comparison -> logic
    ?comparison: sum | comparison COMPARISON sum -> logic
    ?sum: product | sum SUM product -> operation
    ?product: factor | product PRODUCT factor -> operation
    ?factor: power | "-" factor -> negative
    ?power: atom | atom POWER factor -> operation
    ?atom: "(" disjunction ")" | NUMBER -> number | QUOTED -> text | NAME -> reference | WORD -> word | call | array
    call: WORD "(" [disjunction ("," disjunction)*] ")"
    array: "[" disjunction ("," disjunction)* "]"

    AND: "AND" | "&&"
    OR: "OR" | "||"
    COMPARISON: "==" | "!=" | "<=" | ">=" | "<" | ">"
    SUM: "+" | "-"
    PRODUCT: "*" | "/"
    POWER: "^"
    NUMBER: /[0-9]+(\.[0-9]+)?|\.[0-9]+/
    NAME: /[a-z][a-zA-Z0-9_]*/
    WORD: /[A-Z][A-Z0-9_]*/
    QUOTED: /'[^']*'|"[^"]*"/
    %import common.WS
    %ignore WS
"""
_PARSER: Final = Lark(_GRAMMAR, parser="lalr")

Search = Callable[[str, str, int], list[Line]]
"""The series of a search text, a statistic and a period."""


class NotHereError(ValueError):
    """A function that AWS has and localaws does not; the message is its name."""


def parse(expression: str) -> Tree[Token]:
    """The tree of an expression. Raises MathError."""
    try:
        return _PARSER.parse(expression)
    except UnexpectedInput as error:
        raise MathError(f"Invalid syntax at character {error.pos_in_stream}") from error


def references(tree: Tree[Token]) -> set[str]:
    """The ids that an expression names."""
    return {str(node.children[0]) for node in tree.find_data("reference")}


def evaluate(tree: Tree[Token], scope: Scope, lookup: Callable[[str], Value], search: Search) -> Line | list[Line]:
    """The series of an expression. Raises MathError, also where it is a number, and NotHereError."""
    try:
        value: Value = _Evaluator(scope, lookup, search).transform(tree)
    except VisitError as error:
        raise error.orig_exc from error
    if not isinstance(value, Line | list):
        raise MathError("The result must be a time series or an array of time series")
    return value


class _Evaluator(Transformer_NonRecursive[Token, Any]):
    """Computes a tree from its leaves on; a long sum is a deep tree."""

    def __init__(self, scope: Scope, lookup: Callable[[str], Value], search: Search) -> None:
        super().__init__()
        self._scope = scope
        self._lookup = lookup
        self._search = search

    def number(self, parts: list[Token]) -> float:
        return float(parts[0])

    def text(self, parts: list[Token]) -> Text:
        return Text(parts[0][1:-1])

    def word(self, parts: list[Token]) -> Word:
        return Word(parts[0])

    def reference(self, parts: list[Token]) -> Value:
        return self._lookup(str(parts[0]))

    def negative(self, parts: list[Value]) -> Value:
        return arithmetic("*", parts[0], -1.0)

    def operation(self, parts: list[Any]) -> Value:
        left, symbol, right = parts
        return arithmetic(str(symbol), left, right)

    def logic(self, parts: list[Any]) -> Value:
        left, symbol, right = parts
        return condition({"&&": "AND", "||": "OR"}.get(symbol, str(symbol)), left, right)

    def array(self, parts: list[Value]) -> list[Line]:
        lines: list[Line] = []
        for part in parts:
            if not isinstance(part, Line | list):
                raise MathError("An array holds time series")
            lines += [part] if isinstance(part, Line) else part
        return lines

    def call(self, parts: list[Any]) -> Value:
        name, *arguments = [part for part in parts if part is not None]
        if name in UNKNOWN_HERE:
            raise NotHereError(str(name))
        if name == "SEARCH":
            return list(self._searched(arguments))
        if name not in FUNCTIONS:
            raise MathError(f"Unknown function {name}")
        counts, function = FUNCTIONS[name]
        if len(arguments) not in counts:
            raise MathError(f"{name} takes {' or '.join(map(str, counts))} arguments, not {len(arguments)}")
        try:
            return function(self._scope, *arguments)
        except MathError as error:
            raise MathError(f"{name}: {error}") from error

    def _searched(self, arguments: list[Value]) -> list[Line]:
        match arguments:
            case [Text() as text, Text() as statistic]:
                return self._search(text, statistic, self._scope.period_seconds)
            case [Text() as text, Text() as statistic, float() as period]:
                return self._search(text, statistic, int(period) if isfinite(period) else 0)
        raise MathError("SEARCH takes a quoted search, a quoted statistic and a period")
