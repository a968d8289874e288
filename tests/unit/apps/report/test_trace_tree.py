"""A trace's tree: who lies under whom, and own times that add up whatever the times are."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.trace_tree import Sums, gaps, join, length, merged


def _part(name: str, start: float, end: float | None, *below: dict[str, Any], **more: Any) -> dict[str, Any]:
    times = {"start_time": start} | ({"in_progress": True} if end is None else {"end_time": end})
    return {"id": name, "name": name, "subsegments": list(below), **times, **more}


def _outline(segments: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(node.part["name"], node.depth) for node in join(segments).nodes]


def _own(segments: list[dict[str, Any]]) -> dict[str, float]:
    return {node.part["name"]: round(length(node.own), 6) for node in join(segments).nodes}


def test_segment_lies_under_the_call_it_answers() -> None:
    call = _part("call", 1.0, 4.0)
    page = _part("page", 0.0, 5.0, call, _part("render", 4.0, 4.5))
    backend = _part("backend", 1.5, 3.5, _part("redis", 2.0, 2.5), parent_id="call")
    assert _outline([backend, page]) == [("page", 0), ("call", 1), ("backend", 2), ("redis", 3), ("render", 1)]
    assert _own([backend, page]) == {"page": 1.5, "call": 1.0, "backend": 1.5, "redis": 0.5, "render": 0.5}


def test_segments_are_taken_as_they_come() -> None:
    bare = _part("bare", 1.0, None)
    orphan = _part("orphan", 1.0, 1.5, parent_id="gone")
    itself = _part("loop", 1.2, 1.3, _part("orphan", 1.2, 1.3), parent_id="orphan")
    assert _outline([bare, orphan, itself]) == [("bare", 0), ("orphan", 0), ("loop", 1)]
    assert join([]).nodes == []


def test_ring_of_segments_is_walked_once() -> None:
    ring = [_part("one", 0.0, 1.0, parent_id="other"), _part("other", 0.5, 1.0, parent_id="one")]
    assert _outline(ring) == [("one", 0), ("other", 1)]


@pytest.mark.parametrize(
    ("segments", "sums"),
    [
        ([_part("root", 0.0, 4.0, _part("a", 1.0, 2.0))], Sums(4.0, 4.0, 0.0, 0.0, 0.0)),
        ([_part("root", 0.0, 4.0, _part("a", 1.0, 3.0), _part("b", 2.0, 4.0))], Sums(5.0, 4.0, 0.0, 1.0, 0.0)),
        ([_part("root", 0.0, 4.0, _part("a", 3.0, 6.0))], Sums(6.0, 6.0, 2.0, 0.0, 2.0)),
        ([_part("one", 0.0, 1.0), _part("two", 3.0, 4.0)], Sums(2.0, 4.0, 2.0, 0.0, 0.0)),
        ([_part("root", 0.0, 4.0, _part("a", 1.0, None))], Sums(4.0, 4.0, 0.0, 0.0, 0.0)),
    ],
    ids=["inside", "side by side", "outside", "apart", "not ended"],
)
def test_sums_say_why_own_times_are_not_the_whole(segments: list[dict[str, Any]], sums: Sums) -> None:
    assert join(segments).sums == sums


def _random_part(chance: random.Random, depth: int) -> dict[str, Any]:
    start, lasts = chance.randrange(100), chance.choice([0, 1, chance.randrange(60)])
    below = [_random_part(chance, depth + 1) for _unused in range(chance.randrange(4))] if depth < 4 else []
    end = None if chance.random() < 0.05 else start + lasts
    return _part(f"{chance.getrandbits(64):x}", start, end, *below)


@given(st.integers(0, 2**32))
def test_own_times_always_add_up(seed: int) -> None:
    chance = random.Random(seed)
    sums = join([_random_part(chance, 0) for _unused in range(chance.randrange(1, 4))]).sums
    assert sums.own == pytest.approx(sums.duration - sums.uncovered + sums.side_by_side + sums.outside)
    assert min(sums.uncovered, sums.side_by_side, sums.outside) >= 0


spans = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)).map(lambda span: (span[0], span[0] + span[1])))


@given(spans)
def test_gaps_and_what_is_merged_share_the_time_between_them(taken: list[tuple[float, float]]) -> None:
    whole = (10.0, 40.0)
    inside = [(max(start, 10), min(end, 40)) for start, end in merged(taken) if start < 40 and end > 10]
    assert length(gaps(whole, taken)) + length(inside) == 30
