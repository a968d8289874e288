"""SQL statements without what they say about people: literals and comments taken out, placeholders kept."""

from __future__ import annotations

import re
from functools import lru_cache

STATEMENT_CHARACTERS = 4000
_REMEMBERED_STATEMENTS = 512
_MASK = "?"

# What opens is taken to its end, or to the statement's where that was cut off: a mask too many rather than a leak.
_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<identifier> "(?:[^"]|"")*(?:"|\Z) | `[^`]*(?:`|\Z) )
    | (?P<literal>
          \b[eE]'(?:\\.|''|[^'\\])*(?:'|\Z)
        | '(?:''|[^'])*(?:'|\Z)
        | (?<![\w$])\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
        | (?<![\w:$@?%.\])}])(?:\d[\w.]*|\.\d[\w.]*)
      )
    """,
    re.VERBOSE | re.DOTALL,
)
# MySQL and MariaDB read text in double quotes, and a backslash within it, where the standard reads a name.
_MYSQL_TEXT = re.compile(r"""\#[^\n]*|"(?:\\.|""|[^"\\])*(?:"|\Z)|'(?:\\.|''|[^'\\])*(?:'|\Z)""", re.DOTALL)
_MYSQL = frozenset({"mysql", "mariadb"})


@lru_cache(_REMEMBERED_STATEMENTS)
def sanitized(statement: str, dialect: str) -> str:
    """The statement's first 4,000 characters with `?` for each text and number in it, and without comments.

    Source of the tokens: SQL's lexical structure in PostgreSQL's documentation, 4.1; MySQL's reference manual, 11.1.
    """
    text = statement[:STATEMENT_CHARACTERS]
    if dialect in _MYSQL:
        text = _MYSQL_TEXT.sub(_MASK, text)
    return _TOKEN.sub(_masked, text).strip()


def _masked(token: re.Match[str]) -> str:
    if token["identifier"] is not None:
        return token[0]
    return _MASK if token["comment"] is None else " "
