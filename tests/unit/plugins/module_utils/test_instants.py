"""Instants and windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.instants import (
    iso,
    parse_instant,
    parse_range,
    whole_seconds,
    windows,
)
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31 13:00:00+01:00", "2026-01-31T12:00:00.000000+00:00"],
)
def test_instant_is_utc(text: str) -> None:
    assert parse_instant("start_time", text) == NOON
    assert iso(parse_instant("start_time", text)) == "2026-01-31T12:00:00Z"


def test_range_ends_now_when_no_end_is_given() -> None:
    assert parse_range("2026-01-31T11:00:00Z", None, NOON) == (NOON - timedelta(hours=1), NOON)


def test_empty_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"end_time .* is not after start_time"):
        parse_range("2026-01-31T12:00:00Z", None, NOON)


@given(MOMENTS)
def test_iso_and_back(moment: datetime) -> None:
    assert parse_instant("end_time", iso(moment)) == moment


@given(MOMENTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=3)))
def test_whole_seconds_hold_the_range_and_less_than_a_second_more(start: datetime, length: timedelta) -> None:
    first, last = whole_seconds(start, start + length)
    assert first.microsecond == last.microsecond == 0
    assert timedelta(0) <= start - first < timedelta(seconds=1)
    assert timedelta(0) <= last - (start + length) < timedelta(seconds=1)


@given(MOMENTS, st.timedeltas(timedelta(microseconds=1), timedelta(days=3)))
def test_windows_adjoin_and_none_is_too_long(start: datetime, length: timedelta) -> None:
    found = list(windows(start, start + length, timedelta(hours=6)))
    assert found[0][0] == start
    assert found[-1][1] == start + length
    assert all(end == begin for (_start, end), (begin, _end) in pairwise(found))
    assert all(timedelta(0) < end - begin <= timedelta(hours=6) for begin, end in found)
