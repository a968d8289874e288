"""Search expressions: which metrics a text such as `{Namespace,Dimension} MetricName="x" NOT y` finds.

Source: Amazon CloudWatch user guide, "CloudWatch search expression syntax".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer, Tree, UnexpectedInput

from localaws.cloudwatch.lines import MathError
from localaws.cloudwatch.series import Metric

LENGTH_LIMIT: Final = 1024
_LEVELS_LIMIT: Final = 100
_GRAMMAR: Final = r"""
    start: schema? ","? disjunction?
    schema: "{" name ("," name)* "}"
    ?disjunction: conjunction | disjunction "OR" conjunction -> either
    ?conjunction: negation | conjunction "AND"? negation -> both
    ?negation: term | "NOT" negation -> none
    ?term: "(" disjunction ")" | text -> anywhere | name "=" text -> in_property
    text: WORD -> partial | QUOTED -> exact
    name: WORD | QUOTED
    WORD: /[^\s"(){},=]+/
    QUOTED: /"(?:[^"\\]|\\.)*"/
    %import common.WS
    %ignore WS
"""
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

Matches = Callable[[Metric], bool]
_MatchesText = Callable[[str], bool]


@lru_cache(maxsize=256)
def compile_search(text: str) -> Matches:
    """A predicate over metrics. Raises MathError."""
    if len(text) > LENGTH_LIMIT:
        raise MathError(f"a search has at most {LENGTH_LIMIT} characters")
    if not text.strip(" ,"):
        raise MathError("a search needs a schema in braces, a term, or both")
    try:
        matches: Matches = _Compiler().transform(_shallow(_PARSER.parse(text)))
    except UnexpectedInput as error:
        raise MathError(f"the search is not understood at character {error.pos_in_stream}") from error
    return matches


def _shallow(tree: Tree[Token]) -> Tree[Token]:
    """The tree. Raises MathError for more levels than a predicate can have."""
    level = [tree]
    for _unused in range(_LEVELS_LIMIT):
        level = [child for node in level for child in node.children if isinstance(child, Tree)]
        if not level:
            return tree
    raise MathError(f"a search has at most {_LEVELS_LIMIT} terms or levels")


def tokens(text: str) -> set[str]:
    """What a name can be found by: its words, and all of it without what is not alphanumeric."""
    return {piece.lower() for piece in _PIECE.findall(text)} | {re.sub("[^0-9a-z]", "", text.lower())}


def _partial(term: str) -> _MatchesText:
    """One word matches in any case; several must follow each other, and keep their case unless they are set apart.

    A whole name in lower case is one word.
    """
    pieces: list[str] = _PIECE.findall(term)
    if len(pieces) < 2:
        return lambda text: term.lower() in tokens(text)
    fold: Callable[[str], str] = str if term.isalnum() else str.lower
    wanted = [fold(piece) for piece in pieces]

    def follows(text: str) -> bool:
        found = [fold(piece) for piece in _PIECE.findall(text)]
        size = len(wanted)
        return any(found[at : at + size] == wanted for at in range(len(found) - size + 1)) or (
            term.islower() and term in tokens(text)
        )

    return follows


def _unquoted(token: Token) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.type == "QUOTED" else str(token)


class _Compiler(Transformer[Token, Any]):
    """From the tree of a search to its predicate."""

    def start(self, parts: list[Matches]) -> Matches:
        return lambda metric: all(part(metric) for part in parts)

    def schema(self, names: list[str]) -> Matches:
        namespace, *dimensions = names
        wanted = set(dimensions)
        return lambda metric: metric.namespace == namespace and (not wanted or set(dict(metric.dimensions)) == wanted)

    def either(self, parts: list[Matches]) -> Matches:
        return lambda metric: any(part(metric) for part in parts)

    def both(self, parts: list[Matches]) -> Matches:
        return lambda metric: all(part(metric) for part in parts)

    def none(self, parts: list[Matches]) -> Matches:
        (part,) = parts
        return lambda metric: not part(metric)

    def anywhere(self, parts: list[_MatchesText]) -> Matches:
        (matches,) = parts
        return lambda metric: any(
            matches(text)
            for text in (metric.namespace, metric.name, *(text for pair in metric.dimensions for text in pair))
        )

    def in_property(self, parts: list[Any]) -> Matches:
        name, matches = parts
        return lambda metric: any(matches(text) for text in _property(metric, name))

    def partial(self, parts: list[Token]) -> _MatchesText:
        return _partial(str(parts[0]))

    def exact(self, parts: list[Token]) -> _MatchesText:
        wanted = _unquoted(parts[0])
        return lambda text: text == wanted

    def name(self, parts: list[Token]) -> str:
        return _unquoted(parts[0])


def _property(metric: Metric, name: str) -> list[str]:
    own = {"Namespace": metric.namespace, "MetricName": metric.name}
    return [value for known, value in (*own.items(), *metric.dimensions) if known == name]


_PARSER: Final = Lark(_GRAMMAR, parser="lalr")
