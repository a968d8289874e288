"""Costs in Decimal."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.costs import (
    Item,
    PriceTable,
    Usage,
    bill,
    check_origin,
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
    quantities = {"traces_recorded": Decimal(recorded), "traces_retrieved": Decimal(read), "pods": Decimal(pods)}
    return Usage(Decimal(str(seconds)), quantities, {})


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


TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(("days", "warned"), [(-1, False), (0, False), (180, False), (181, True)])
def test_old_table_is_a_warning(days: int, warned: bool) -> None:
    origin = {"date": (TODAY - timedelta(days=days)).isoformat(), "source": "page"}
    warning = check_origin(origin, TODAY, 180)
    assert bool(warning) is warned
    assert warning == "" or "181 days old; look at page" in warning


def test_table_of_the_future_is_refused() -> None:
    with pytest.raises(ValueError, match=r"prices\.date is 2026-02-02, which is yet to come"):
        check_origin({"date": "2026-02-02", "source": "page"}, TODAY, 180)


def test_reckoned_quantity_says_how() -> None:
    used = Usage(Decimal(60), {"log_gigabytes": Decimal("0.5")}, {"log_gigabytes": "by hand"})
    (item,) = bill(used, PriceTable({"logs_ingested_per_gb_usd": "0.57", "logs_ingested_free_gb_per_month": "5"}))
    assert item.words == "0.5 log GB [by hand] x $0.57 a GB"
    assert (item.cost(Decimal(1), False), item.cost(Decimal(1), True)) == (Decimal("0.285"), Decimal(0))
