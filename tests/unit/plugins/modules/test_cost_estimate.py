"""cost_estimate: sums by hand against sums returned."""

from __future__ import annotations

from typing import Any

import pytest
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_module

PRICES = {
    "date": "2026-01-31",
    "source": "https://aws.amazon.com/xray/pricing/",
    "xray_recorded_per_million_usd": 5.0,
    "xray_recorded_free_per_month": 100_000,
    "xray_retrieved_per_million_usd": "0.50",
    "xray_retrieved_free_per_month": 1_000_000,
    "container_insights_pod_day_usd": 0.30,
    "container_insights_observations_per_million_usd": 0.21,
}
TEST = {
    "duration_seconds": 780,
    "pods": 4,
    "traces_recorded": 396_830,
    "traces_retrieved": 10,
    "traces_scanned": 396_830,
    "prices": PRICES,
}


def test_sums_without_free_tier() -> None:
    result = run_module("cost_estimate", TEST)
    assert [item["cost_usd"] for item in result["items"]] == [1.98415, 0.19842, 0.01083333]
    assert result["this_test_usd"] == pytest.approx(1.98415 + 0.19842 + 4 * 780 / 86_400 * 0.30, abs=1e-8)
    assert result["per_day_usd"] == pytest.approx(result["this_test_usd"] * 86_400 / 780, rel=1e-6)
    assert result["per_month_usd"] == pytest.approx(result["per_day_usd"] * 30, rel=1e-9)
    assert result["currency"] == "USD"


def test_free_tier_is_taken_off_once_a_month() -> None:
    result = run_module("cost_estimate", {**TEST, "apply_free_tier": True})
    assert [item["cost_usd"] for item in result["items"]] == [1.48415, 0.0, 0.01083333]
    tests_a_month = 30 * 86_400 / 780
    recorded = (396_830 * tests_a_month - 100_000) * 5e-6
    read = (396_840 * tests_a_month - 1_000_000) * 5e-7
    assert result["per_month_usd"] == pytest.approx(recorded + read + 4 * 30 * 0.30, abs=1e-6)
    assert result["per_day_usd"] == pytest.approx(result["per_month_usd"] / 30, abs=1e-6)


def test_formula_says_both_whichever_is_chosen() -> None:
    formulas = [
        run_module("cost_estimate", {**TEST, "apply_free_tier": chosen})["items"][0]["formula"]
        for chosen in (True, False)
    ]
    words = "396,830 traces recorded x $5 a million = $1.98; with 100,000 traces a month free: $1.48"
    assert formulas == [words, words]


def test_free_quantity_never_exceeds_what_was_used() -> None:
    items = run_module("cost_estimate", TEST)["items"]
    assert [item["free_quantity"] for item in items] == [100_000, 396_840, 0]


def test_observations_are_another_way_to_pay_for_metrics() -> None:
    observed = {"duration_seconds": 60, "metric_observations": 250_000, "prices": PRICES}
    (item,) = run_module("cost_estimate", observed)["items"]
    assert (item["cost_usd"], item["unit"]) == (0.0525, "observations")


def test_nothing_used_costs_nothing_and_needs_no_price() -> None:
    origin = {"date": "2026-01-31", "source": "none"}
    result = run_module("cost_estimate", {"duration_seconds": 1, "prices": origin})
    assert (result["items"], result["this_test_usd"], result["per_month_usd"]) == ([], 0, 0)
    assert result["prices"] == origin


def test_cents_are_not_lost_to_binary_fractions() -> None:
    prices = {**PRICES, "container_insights_pod_day_usd": "0.1"}
    result = run_module("cost_estimate", {"duration_seconds": 86_400, "pods": 3, "prices": prices})
    assert result["this_test_usd"] == 0.3


@pytest.mark.parametrize("free", [True, False])
def test_result_is_as_documented(free: bool) -> None:
    result = run_module("cost_estimate", {**TEST, "apply_free_tier": free}, check=True)
    assert differences(return_documentation("cost_estimate"), result) == []
    assert result["prices"]["date"] == "2026-01-31"


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in PRICES.items() if key != name}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"prices": without("date")}, ["date", "prices"]),
        ({"prices": without("source")}, ["source", "prices"]),
        ({"prices": {**PRICES, "date": "soon"}}, ["prices.date is 'soon'"]),
        ({"prices": {**PRICES, "source": " "}}, ["prices.source is empty"]),
        ({"prices": without("xray_recorded_per_million_usd")}, ["prices.xray_recorded_per_million_usd is missing"]),
        ({"prices": without("container_insights_pod_day_usd")}, ["container_insights_pod_day_usd", "pods is given"]),
        ({"prices": {**PRICES, "xray_recorded_per_million_usd": "five"}}, ["xray_recorded_per_million_usd is 'five'"]),
        ({"prices": {**PRICES, "xray_recorded_per_million_usd": -5}}, ["not negative"]),
        ({"prices": {**PRICES, "xray_recorded_per_million_usd": "NaN"}}, ["not negative"]),
        ({"duration_seconds": 0}, ["duration_seconds is 0", "more than 0"]),
        ({"traces_recorded": -1}, ["traces_recorded is -1"]),
        ({"metric_observations": 5}, ["pods and metric_observations"]),
    ],
)
def test_bad_option_fails_with_its_name(wrong: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ModuleFailedError) as failure:
        run_module("cost_estimate", {**TEST, **wrong})
    for word in words:
        assert word in failure.value.result["msg"]
