"""Any sequence of the recorder's calls, balanced or not: nothing raises, and what comes out is a tree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from aws_xray_sdk.core import xray_recorder
from hypothesis import given
from hypothesis import strategies as st
from support.traced import traced_request
from tracing import Tracing, TracingSettings, current, subsegment

_CALLS: dict[str, Callable[[], Any]] = {
    "begin_segment": lambda: xray_recorder.begin_segment("segment", sampling=1),
    "end_segment": lambda: xray_recorder.end_segment(),
    "begin": lambda: xray_recorder.begin_subsegment("part"),
    "begin_unsampled": lambda: xray_recorder.begin_subsegment_without_sampling("unsampled"),
    "end": lambda: xray_recorder.end_subsegment(),
    "annotate": lambda: xray_recorder.put_annotation("key", 1),
    "metadata": lambda: xray_recorder.put_metadata("key", {"value": object()}),
    "exception": lambda: xray_recorder.get_trace_entity().add_exception(ValueError(), []),
    "name": lambda: setattr(xray_recorder.current_subsegment(), "name", "renamed"),
    "close": lambda: xray_recorder.get_trace_entity().close(),
    "set": lambda: xray_recorder.set_trace_entity(xray_recorder.current_segment()),
    "set_nothing": lambda: xray_recorder.set_trace_entity(None),
    "clear": lambda: xray_recorder.clear_trace_entities(),
    "capture": lambda: xray_recorder.capture("captured")(current)(),
}
_BLOCKS: dict[str, Callable[[], Any]] = {
    "in_subsegment": lambda: xray_recorder.in_subsegment("block"),
    "in_segment": lambda: xray_recorder.in_segment("block", sampling=1),
    "subsegment": lambda: subsegment("own"),
}
_steps = st.lists(st.sampled_from([*_CALLS, *_BLOCKS, "leave"]), max_size=25)


@pytest.fixture(scope="module", autouse=True)
def connected() -> Iterator[None]:
    made = Tracing(TracingSettings("shop", udp_address=("127.0.0.1", 9)))
    yield
    made.stop()


def _take(steps: list[str]) -> None:
    """Blocks that are not left on the way are left at the end, the innermost first."""
    with ExitStack() as entered:
        for step in steps:
            if step in _BLOCKS:
                entered.enter_context(_BLOCKS[step]())
            elif step == "leave":
                entered.pop_all().close()
            else:
                _CALLS[step]()


def _identifiers(document: dict[str, Any]) -> list[str]:
    return [document["id"], *(each for part in document.get("subsegments", ()) for each in _identifiers(part))]


@given(_steps, st.booleans())
def test_in_a_request_nothing_raises_and_its_segment_stays_a_tree(steps: list[str], sampled: bool) -> None:
    with traced_request(sampled) as segment:
        _take(steps)
    identifiers = _identifiers(segment.document)
    assert len(set(identifiers)) == len(identifiers)
    assert (segment.document["name"], current()) == ("shop", None)
    json.dumps(segment.document, default=str)


@given(_steps)
def test_outside_of_one_nothing_raises_and_the_next_request_begins_afresh(steps: list[str]) -> None:
    _take(steps)
    xray_recorder.end_segment()
    xray_recorder.clear_trace_entities()
    with traced_request() as segment:
        xray_recorder.end_subsegment()
        assert current() is segment
