"""The emitter: what is sent, what is trimmed, what is counted as dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.segments import SegmentReceiver, segment_receiver
from tracing.emitter import DOCUMENT_BYTES, Emitter, encode
from tracing.entities import Segment

ROOT = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def emitter(receiver: SegmentReceiver) -> Iterator[Emitter]:
    made = Emitter(receiver.address)
    yield made
    made.close()


def _segment(subsegments: int = 0, statement: str = "") -> dict[str, Any]:
    segment = Segment("shop", ROOT, sampled=True)
    for _unused in range(subsegments):
        part = segment.child("postgresql", "remote")
        part.document["sql"] = {"sanitized_query": statement}
        part.close()
    segment.close()
    return segment.document


def test_segment_is_sent_and_counted(emitter: Emitter, receiver: SegmentReceiver) -> None:
    document = _segment(2)
    emitter.send(document)
    assert receiver.next() == document
    assert (emitter.sent, emitter.dropped) == (1, 0)


def test_large_segment_is_trimmed_and_says_so(emitter: Emitter, receiver: SegmentReceiver) -> None:
    emitter.send(_segment(400, "SELECT " + "x" * 1000))
    segment = receiver.next()
    trimmed = segment["annotations"]["tracing_trimmed_subsegments"]
    assert len(segment["subsegments"]) + trimmed == 400
    assert trimmed > 0
    assert (emitter.sent, emitter.dropped) == (1, 0)


def test_metadata_goes_first_where_it_is_too_large(emitter: Emitter, receiver: SegmentReceiver) -> None:
    document = _segment(3) | {"metadata": {"shop": {"basket": "x" * 100_000}}}
    emitter.send(document)
    segment = receiver.next()
    assert len(segment["subsegments"]) == 3
    assert "metadata" not in segment


@pytest.mark.parametrize("document", [{"name": "x" * 70_000}, {"loop": []}])
def test_what_cannot_be_sent_is_counted_as_dropped(
    emitter: Emitter, receiver: SegmentReceiver, document: dict[str, Any]
) -> None:
    document.get("loop", []).append(document)
    emitter.send(document)
    assert (emitter.sent, emitter.dropped, receiver.pending()) == (0, 1, [])


def test_daemon_that_is_gone_is_counted_and_its_return_noticed() -> None:
    with segment_receiver() as gone:
        address = gone.address
    emitter = Emitter(address)
    for _unused in range(5):
        emitter.send(_segment())
    assert emitter.sent + emitter.dropped == 5
    assert emitter.dropped >= 4
    emitter.close()


def test_unknown_host_is_counted_as_dropped() -> None:
    emitter = Emitter(("name.invalid", 2000))
    emitter.send(_segment())
    emitter.send(_segment())
    assert (emitter.sent, emitter.dropped) == (0, 2)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values))
def test_any_document_becomes_json_of_bounded_size_or_nothing(document: dict[str, Any]) -> None:
    payload = encode(document)
    assert payload is None or (len(payload) <= DOCUMENT_BYTES and isinstance(json.loads(payload), dict))
