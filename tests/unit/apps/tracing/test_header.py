"""The trace header: what is understood, what starts a new trace."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracing.header import TraceHeader, answered, parse, passed_on

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
HEX = "0123456789abcdef"

roots = st.builds("1-{}-{}".format, st.text(HEX, min_size=8, max_size=8), st.text(HEX, min_size=24, max_size=24))
parents = st.text(HEX, min_size=16, max_size=16)
unknown = st.from_regex(r"(Self|Lineage|[A-Za-z]{1,9}X)=[^;]{0,30}", fullmatch=True)


@given(st.text())
def test_any_text_is_understood_or_starts_a_new_trace(text: str) -> None:
    understood = parse(text)
    assert understood is None or understood.root in text


@given(st.binary().map(lambda content: content.decode("latin-1")))
def test_any_bytes_are_understood_or_start_a_new_trace(text: str) -> None:
    understood = parse(f"Root={ROOT};{text}")
    assert understood is None or understood.root == ROOT


@given(roots, st.none() | parents, st.sampled_from([None, True, False]), st.lists(unknown), st.randoms())
def test_fields_come_in_any_order_and_unknown_ones_are_ignored(
    root: str, parent: str | None, sampled: bool | None, others: list[str], order: random.Random
) -> None:
    fields = [f"Root={root}", *others]
    fields += [] if parent is None else [f"Parent={parent}"]
    fields += [] if sampled is None else [f"Sampled={sampled:d}"]
    order.shuffle(fields)
    assert parse(";".join(fields)) == TraceHeader(root, parent, sampled)


@given(roots, parents, st.booleans())
def test_what_is_passed_on_is_understood(root: str, parent: str, sampled: bool) -> None:
    assert parse(passed_on(root, parent, sampled)) == TraceHeader(root, parent, sampled)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Root={ROOT}", TraceHeader(ROOT)),
        (f"Self=1-67891234-12456789abcdef012345678;Root={ROOT}", TraceHeader(ROOT)),
        (f"Sampled=?;Root={ROOT}", TraceHeader(ROOT)),
        (f"Root={ROOT}; Parent={PARENT}; Sampled=0", TraceHeader(ROOT, PARENT, sampled=False)),
        (
            f"Root={ROOT};Parent={PARENT};Sampled=1;Lineage=a87bd80c:1|68fd508a:5",
            TraceHeader(ROOT, PARENT, sampled=True),
        ),
        (None, None),
        ("", None),
        (f"Parent={PARENT};Sampled=1", None),
        (f"Root={ROOT}0", None),
        (f"Root={ROOT.upper()[:-1]}G", None),
        (f"Root={ROOT};Parent=short", None),
        (f"Root={ROOT};Sampled=2", None),
        (f"Root={ROOT};Root={ROOT}", None),
        ("Root=2-5759e988-bd862e3fe1be46a994272793", None),
        (f"Root={ROOT}\n", TraceHeader(ROOT)),
    ],
)
def test_header_is_understood_as_documented(text: str | None, expected: TraceHeader | None) -> None:
    assert parse(text) == expected


def test_response_header_names_trace_and_decision() -> None:
    assert answered(ROOT, sampled=True) == f"Root={ROOT};Sampled=1"
    assert answered(ROOT, sampled=False) == f"Root={ROOT};Sampled=0"
