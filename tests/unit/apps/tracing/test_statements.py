"""SQL statements as traces may show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracing.statements import STATEMENT_CHARACTERS, sanitized


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT a1, t2.b FROM t2 WHERE id = %(id_1)s", "SELECT a1, t2.b FROM t2 WHERE id = %(id_1)s"),
        ("SELECT * FROM t WHERE a = $1 AND b = :b_2 AND c = ?", "SELECT * FROM t WHERE a = $1 AND b = :b_2 AND c = ?"),
        ("SELECT * FROM t WHERE name = 'anna' LIMIT 10", "SELECT * FROM t WHERE name = ? LIMIT ?"),
        ("SELECT 'it''s', 1.5e3, .5, -2, 0xFF", "SELECT ?, ?, ?, -?, ?"),
        ("SELECT E'it\\'s anna', b", "SELECT ?, b"),
        ("SELECT $$anna$$, $tag$o'hara $$ x$tag$, b", "SELECT ?, ?, b"),
        ("SELECT 1 -- anna's\n, 2 /* o'hara */ FROM t", "SELECT ?  \n, ?   FROM t"),
        ('SELECT "a \'1", \'anna\' FROM "t 2"', 'SELECT "a \'1", ? FROM "t 2"'),
        ("SELECT 'cut off", "SELECT ?"),
        ("SELECT 1 /* cut off", "SELECT ?"),
        ("SELECT a[1], b::int, c->>'key'", "SELECT a[?], b::int, c->>?"),
        ("VALUES (1,2),(3,4)", "VALUES (?,?),(?,?)"),
    ],
)
def test_literals_are_masked_and_names_and_placeholders_kept(statement: str, shown: str) -> None:
    assert sanitized(statement, "postgresql") == shown


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_mysqls_double_quotes_hold_text(dialect: str) -> None:
    statement = "SELECT \"anna \\\" o'hara\", 'it\\'s', `a 1` FROM t # anna"
    assert sanitized(statement, dialect) == "SELECT ?, ?, `a 1` FROM t ?"


def test_long_statement_is_cut() -> None:
    assert len(sanitized("SELECT " + "column, " * 10_000, "postgresql")) <= STATEMENT_CHARACTERS


@given(st.text(alphabet="ab'\"\\$-/*\n `E1", max_size=40), st.text(alphabet="ab'\"\\$-/*\n `E1", max_size=40))
def test_quoted_text_never_shows_whatever_stands_in_and_behind_it(secret: str, behind: str) -> None:
    quoted = "'" + f"SECRET{secret}SECRET".replace("'", "''") + "'"
    assert "SECRET" not in sanitized(f"SELECT {quoted}, {behind}", "postgresql")


@given(st.text(max_size=60))
def test_any_text_can_be_sanitized(text: str) -> None:
    assert len(sanitized(text, "postgresql")) <= len(text)
