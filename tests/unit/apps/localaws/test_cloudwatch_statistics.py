"""Percentiles and their kin, against values computed another way."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localaws.cloudwatch.statistics import StatisticSet, parse_statistic

VALUES = st.lists(st.integers(0, 50).map(float), min_size=1, max_size=40)
PERCENTS = st.integers(0, 100)


def gathered(values: list[float]) -> StatisticSet:
    found = StatisticSet()
    for value in values:
        found.add(StatisticSet.of_value(value))
    return found


def value(text: str, values: list[float]) -> float | None:
    return parse_statistic(text)(gathered(values))


def middle(values: list[float], low: int, high: int) -> list[float]:
    """Those ranks of the sorted values which at least a part of lies between two percentages."""
    return sorted(values)[low * len(values) // 100 : -(-high * len(values) // 100)]


@given(VALUES, PERCENTS)
def test_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    enough = [one for one in values if 100 * sum(other <= one for other in values) >= percent * len(values)]
    assert value(f"p{percent}", values) == min(enough)


@given(VALUES, st.tuples(PERCENTS, PERCENTS).filter(lambda pair: pair[0] < pair[1]))
def test_trimmed_and_winsorized_by_percentages(values: list[float], bounds: tuple[int, int]) -> None:
    kept, text = middle(values, *bounds), f"({bounds[0]}%:{bounds[1]}%)"
    assert value(f"TC{text}", values) == len(kept)
    assert value(f"TS{text}", values) == pytest.approx(sum(kept))
    assert value(f"TM{text}", values) == pytest.approx(statistics.fmean(kept))
    moved = [min(max(one, kept[0]), kept[-1]) for one in values]
    assert value(f"WM{text}", values) == pytest.approx(statistics.fmean(moved))


@given(VALUES, st.tuples(st.integers(0, 60), st.integers(0, 60)).filter(lambda pair: pair[0] < pair[1]))
def test_fixed_bounds_leave_the_lower_one_out_and_the_upper_one_in(
    values: list[float], bounds: tuple[int, int]
) -> None:
    low, high = bounds
    kept, text = [one for one in values if low < one <= high], f"({low}:{high})"
    assert value(f"TC{text}", values) == len(kept)
    assert value(f"TM{text}", values) == (pytest.approx(statistics.fmean(kept)) if kept else None)
    assert value(f"PR{text}", values) == pytest.approx(100 * len(kept) / len(values))
    moved = [min(max(one, low), high) for one in values]
    assert value(f"WM{text}", values) == pytest.approx(statistics.fmean(moved))


@given(VALUES, st.integers(1, 100))
def test_short_form_cuts_above_the_percentage(values: list[float], percent: int) -> None:
    for name in ("tm", "wm", "tc", "ts"):
        assert value(f"{name}{percent}", values) == value(f"{name.upper()}(:{percent}%)", values)


@given(VALUES)
def test_one_percent_bins_of_ranks_hold_every_value_once(values: list[float]) -> None:
    bins = ["PR(:10)", "PR(10:20)", "PR(20:30)", "PR(30:)"]
    assert math.fsum(value(name, values) or 0.0 for name in bins) == pytest.approx(100)


@given(VALUES, VALUES)
def test_counts_weigh_like_repeated_values(values: list[float], more: list[float]) -> None:
    counted = StatisticSet()
    for one in set(values + more):
        counted.add(StatisticSet.of_value(one, float((values + more).count(one))))
    for name in ("p37.5", "IQM", "TM(10%:90%)", "WM(5%:)", "tc99.9", "Average", "SampleCount"):
        assert parse_statistic(name)(counted) == pytest.approx(value(name, values + more))


def test_interquartile_mean_is_of_the_middle_half() -> None:
    assert value("IQM", [1.0, 2.0, 4.0, 100.0]) == 3.0


def test_statistic_sets_hide_their_values_unless_they_are_all_the_same() -> None:
    hidden, same = StatisticSet.told(3, 12, 1, 9), StatisticSet.told(3, 12, 4, 4)
    p50 = parse_statistic("p50")
    assert (p50(hidden), p50(same), parse_statistic("Average")(hidden)) == (None, 4.0, 4.0)
    same.add(hidden)
    assert p50(same) is None


def test_negative_values_have_no_percentile() -> None:
    assert value("p50", [-1.0, 2.0]) is None
    assert value("Average", [-1.0, 2.0]) == 0.5


WRONG = """p p101 P50 p50% p1.12345678901 average tm101 TM90 tm(10%:90%) TM(:) TM(%:5%) TM(10%:90) TM(90%:10%) TM(5:5)
TM(10%:101%) PR(10%:20%) pr90 iqm IQM(5:6) TM(5%)"""


@pytest.mark.parametrize("text", ["", *WRONG.split()])
def test_what_is_no_statistic_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is all there is to say
        parse_statistic(text)
    assert str(caught.value) == text
