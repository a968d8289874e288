"""Full text search in PostgreSQL: what a customer typed becomes queries that no input can make fail."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from backend.tables import categories, products

_STEMS, _AS_IT_IS = "english", "simple"
# What websearch_to_tsquery reads as more than a word: a phrase, a word that must not be there, an alternative.
_OPERATOR = re.compile(r'"|(?:^|\s)-|\bor\b', re.IGNORECASE)
# What websearch_to_tsquery does not take are 33 hyphens that all wait for their word: "tsquery stack too small".
_HYPHENS_HIGHEST = 20
# Neither quote nor backslash is among the characters, so that a word can stand in a query's quotes.
_WORD = re.compile(r"[^\W_]+")


def plain_words(typed: str) -> list[str]:
    """The words of a search without operators; none where there are some."""
    return [] if _OPERATOR.search(typed) else _WORD.findall(typed)


def finding(typed: str) -> ColumnElement[bool]:
    """Products that hold every word, the last as a beginning too, or that are in a category of this name or below it.

    Phrases in quotes, `-word` and `or` mean what they do to PostgreSQL's websearch_to_tsquery.
    """
    found = select(products.c.id).where(products.c.search.op("@@")(_whole_or_begun(typed)))
    named = categories.c.search.op("@@")(_whole(typed))
    inside = select(products.c.id).where(products.c.category_id.in_(with_descendants(named)))
    return products.c.id.in_(found.union(inside))


def ranks(typed: str) -> tuple[ColumnElement[float], ColumnElement[float]]:
    """How well a product's own text holds the whole words, 0 for not at all, and with the last as a beginning.

    A word in the name counts more than any number of times in the description.
    """
    return func.ts_rank(products.c.search, _whole(typed)), func.ts_rank(products.c.search, _whole_or_begun(typed))


def names_holding(typed: str) -> ColumnElement[bool] | None:
    """Products whose name holds every word, the last as a beginning; None where there is no word."""
    words = _WORD.findall(typed)
    if not words:
        return None
    parts = [f"'{word}':A" for word in words[:-1]] + [f"'{words[-1]}':*A"]
    return products.c.search.op("@@")(func.to_tsquery(_AS_IT_IS, " & ".join(parts)))


def with_descendants(chosen: ColumnElement[bool]) -> Select[tuple[int]]:
    """The ids of the chosen categories and of all below them."""
    tree = select(categories.c.id).where(chosen).cte(recursive=True)
    below = select(categories.c.id).join(tree, categories.c.parent_id == tree.c.id)
    return select(tree.union(below).c.id)


def _whole(typed: str) -> ColumnElement[Any]:
    text = typed if typed.count("-") <= _HYPHENS_HIGHEST else typed.replace("-", " ")
    return func.websearch_to_tsquery(_STEMS, text)


def _whole_or_begun(typed: str) -> ColumnElement[Any]:
    words = plain_words(typed)
    if not words:
        return _whole(typed)
    begun: ColumnElement[Any] = func.to_tsquery(_AS_IT_IS, f"'{words[-1]}':*")
    if words[:-1]:
        begun = _whole(" ".join(words[:-1])).op("&&")(begun)
    return _whole(typed).op("||")(begun)
