"""Costs in Decimal."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.costs import (
    Item,
    PriceTable,
    Usage,
    bill,
    estimate,
    parse_price,
)
from hypothesis import given
from hypothesis import strategies as st

PRICES = {
    "xray_recorded_per_million_usd": "5.00",
    "xray_recorded_free_per_month": "100000",
    "xray_retrieved_per_million_usd": "0.50",
    "xray_retrieved_free_per_month": "1000000",
    "container_insights_pod_day_usd": "0.30",
    "container_insights_observations_per_million_usd": None,
}
COUNTS = st.integers(0, 10**9)


def usage(seconds: float, recorded: int, read: int, pods: int) -> Usage:
    return Usage(Decimal(str(seconds)), Decimal(recorded), Decimal(read), Decimal(0), Decimal(pods), Decimal(0))


@given(st.integers(1, 10**7), COUNTS, COUNTS, st.integers(0, 1000))
def test_free_tier_only_ever_lowers_and_sums_are_those_of_the_items(
    seconds: int, recorded: int, read: int, pods: int
) -> None:
    used = usage(seconds, recorded, read, pods)
    items = bill(used, PriceTable(PRICES))
    full, free = (estimate(items, used.duration_seconds, free) for free in (False, True))
    for key in ("this_test_usd", "per_day_usd", "per_month_usd"):
        assert 0 <= free[key] <= full[key]
    for sums in (full, free):
        costs = sum(item["cost_usd"] for item in sums["items"])
        assert sums["this_test_usd"] == pytest.approx(costs, abs=1e-6)


@given(st.integers(1, 10**7), COUNTS, st.integers(0, 1000))
def test_a_month_is_thirty_days_at_the_tests_rate(seconds: int, recorded: int, pods: int) -> None:
    used = usage(seconds, recorded, 0, pods)
    sums = estimate(bill(used, PriceTable(PRICES)), used.duration_seconds, False)
    assert sums["per_month_usd"] == pytest.approx(30 * sums["per_day_usd"], rel=1e-9, abs=1e-6)
    assert sums["per_day_usd"] == pytest.approx(recorded * 5e-6 * 86_400 / seconds + pods * 0.3, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("quantity", "free", "formula"),
    [
        ("1700", "0", "words = $0.0085"),
        ("396830", "0", "words = $1.98"),
        ("1700", "100000", "words = $0.0085; with 100,000 traces a month free: $0.00"),
        ("1", "0", "words = $0.0000050"),
    ],
)
def test_formula_keeps_what_is_less_than_a_cent(quantity: str, free: str, formula: str) -> None:
    item = Item("X", Decimal(quantity), "traces", Decimal("0.000005"), Decimal(free), "words")
    assert estimate([item], Decimal(60), False)["items"][0]["formula"] == formula


@pytest.mark.parametrize("text", ["", "five", "-1", "Infinity", "nan"])
def test_price_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"prices\.x is"):
        parse_price("prices.x", text)
