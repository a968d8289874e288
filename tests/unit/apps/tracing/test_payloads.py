"""Documents as JSON: any value, bounded size, nothing left out that could be sent for itself."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tracing.payloads import DOCUMENT_BYTES, encode, split

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


def _segment(**members: Any) -> dict[str, Any]:
    return {"id": "0" * 16, "trace_id": ROOT, "name": "shop", "start_time": 1.0, "end_time": 2.0} | members


def _part(number: int, **members: Any) -> dict[str, Any]:
    return {"id": f"{number:016x}", "name": "work", "start_time": 1.0, "end_time": 2.0} | members


def _told(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(split(document))
    assert all(payload is not None and len(payload) <= DOCUMENT_BYTES for payload in found)
    return [json.loads(payload) for payload in found if payload is not None]


def test_segment_holds_what_it_can_and_the_rest_follows() -> None:
    parts = [_part(number, metadata={"shop": "x" * 10_000}) for number in range(20)]
    whole, *apart = _told(_segment(subsegments=parts))
    assert len(whole["subsegments"]) == 6
    assert [part["id"] for part in (*whole["subsegments"], *apart)] == [part["id"] for part in parts]
    assert "annotations" not in whole
    assert apart[0] == parts[6] | {"type": "subsegment", "trace_id": ROOT, "parent_id": "0" * 16}


def test_subsegment_that_is_too_large_is_split_in_turn() -> None:
    inner = [_part(number, metadata={"shop": "x" * 30_000}) for number in (2, 3, 4)]
    whole, outer, last = _told(_segment(subsegments=[_part(1, subsegments=inner)]))
    assert whole["subsegments"] == []
    assert [part["id"] for part in outer["subsegments"]] == [inner[0]["id"], inner[1]["id"]]
    assert (last["id"], last["parent_id"], last["trace_id"]) == (inner[2]["id"], outer["id"], ROOT)


def test_what_cannot_be_split_is_trimmed_and_says_so() -> None:
    [told] = _told(_segment(metadata={"shop": "x" * 100_000}, annotations={"basket": 3}))
    assert told == _segment(annotations={"basket": 3, "tracing_trimmed": "metadata"}, subsegments=[])


def test_no_more_is_trimmed_than_must_be() -> None:
    [told] = _told(_segment(metadata={}, cause={"exceptions": ["x" * 100_000]}, annotations={"basket": 3}))
    assert told["annotations"] == {"basket": 3, "tracing_trimmed": "metadata,sql,cause"}


def test_trimmed_segment_still_sends_its_subsegments() -> None:
    large = _part(1, metadata={"shop": "x" * 65_300})
    whole, apart = _told(_segment(metadata={"shop": "x" * 100_000}, subsegments=[large]))
    assert (whole["subsegments"], apart["id"]) == ([], _part(1)["id"])


def test_document_that_stays_too_large_is_none() -> None:
    assert list(split(_segment(name="x" * 70_000))) == [None]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values))
def test_any_document_becomes_json(document: dict[str, Any]) -> None:
    assert isinstance(json.loads(encode(document)), dict)
