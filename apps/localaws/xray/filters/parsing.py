"""Parses filter expressions by the grammar beside this file."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

LENGTH_LIMIT: Final = 2_000

Value = str | float | bool


class FilterError(ValueError):
    """A filter expression that is wrong or not understood; the message says where."""


@cache
def _parser() -> Lark:
    # Here, because few runs filter, and every run is to be ready soon.
    from lark import Lark

    return Lark.open(
        "grammar.lark", rel_to=__file__, parser="lalr", start=["start", "selector"], propagate_positions=True
    )


def parsed(expression: str, start: str = "start") -> Tree[Token]:
    """The tree of an expression, or of what else the grammar begins with. Raises FilterError."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedInput

    if len(expression) > LENGTH_LIMIT:
        raise FilterError(f"it has {len(expression)} characters, more than {LENGTH_LIMIT}")
    try:
        return _parser().parse(expression, start=start)
    except UnexpectedCharacters as error:
        raise _unexpected(expression, error.pos_in_stream or 0) from error
    except UnexpectedInput as error:
        token = getattr(error, "token", None)
        raise _unexpected(expression, token.start_pos if token else len(expression)) from error


def _unexpected(expression: str, offset: int) -> FilterError:
    rest = expression[offset:].strip()
    return FilterError(f"unexpected {rest[:20]!r} at offset {offset}" if rest else "it ends too early")


def trees(tree: Tree[Token]) -> list[Tree[Token]]:
    """The children of a tree that are trees."""
    return [child for child in tree.children if not isinstance(child, str)]


def texts(tree: Tree[Token]) -> list[str]:
    """The children of a tree that are tokens."""
    return [child for child in tree.children if isinstance(child, str)]


def literal(token: Token) -> Value:
    """The value that a token stands for."""
    match token.type:
        case "STRING":
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        case "NUMBER":
            return float(token)
        case "BOOLEAN":
            return token.lower() == "true"
    return str(token)
