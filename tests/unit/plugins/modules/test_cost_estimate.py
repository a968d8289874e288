"""cost_estimate: sums by hand against sums returned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.documented import differences, return_documentation
from support.module_cycle import ModuleFailedError, run_module

PRICES = {
    "date": datetime.now(UTC).date().isoformat(),
    "source": "https://aws.amazon.com/xray/pricing/",
    "xray_recorded_per_million_usd": 5.0,
    "xray_recorded_free_per_month": 100_000,
    "xray_retrieved_per_million_usd": "0.50",
    "xray_retrieved_free_per_month": 1_000_000,
    "container_insights_pod_day_usd": 0.30,
    "container_insights_observations_per_million_usd": 0.21,
    "logs_ingested_per_gb_usd": "0.57",
    "spans_ingested_per_gb_usd": 0.35,
    "spans_indexed_per_million_usd": 0.75,
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
    assert result["prices"]["date"] == PRICES["date"]


LOAD = {"requests_per_second": 50, "fixed_rate": 0.1, "reservoir_size": 1}
FORECAST: dict[str, Any] = {"duration_seconds": 3600, "pods": 12, "forecast": LOAD, "prices": PRICES}


def test_forecast_before_anything_is_turned_on() -> None:
    result = run_module("cost_estimate", FORECAST)
    traces = 3600 * (1 + 49 * 0.1)
    assert result["this_test_usd"] == pytest.approx(traces * 5e-6 + 12 / 24 * 0.30)
    assert result["per_month_usd"] == pytest.approx(720 * result["this_test_usd"])
    assert result["items"][0]["formula"] == (
        "21,240 traces recorded [50 requests/s x 3,600 s, sampled 1/s and 10 % of the rest] x $5 a million = $0.11;"
        " with 100,000 traces a month free: $0.00"
    )


def test_forecast_by_observation_with_logs() -> None:
    load = {**LOAD, "observations_per_pod_minute": 20, "log_bytes_per_pod_minute": 50_000}
    items = {
        item["name"]: item["cost_usd"] for item in run_module("cost_estimate", {**FORECAST, "forecast": load})["items"]
    }
    assert items["Container Insights, by observation"] == pytest.approx(12 * 20 * 60 * 0.21e-6)
    assert items["CloudWatch Logs, performance log events"] == pytest.approx(12 * 50_000 * 60 / 1e9 * 0.57)
    assert "Container Insights, by pod" not in items


def test_forecast_of_transaction_search() -> None:
    load = {**LOAD, "spans_per_trace": 4, "bytes_per_span": 2_500, "indexed_share": 0.01}
    result = run_module("cost_estimate", {**FORECAST, "pods": 0, "forecast": load})
    spans = 3600 * 5.9 * 4
    assert result["this_test_usd"] == pytest.approx(spans * 2_500 / 1e9 * 0.35 + spans * 0.01 * 0.75e-6)


def test_change_of_the_sampling_before_and_after() -> None:
    change = run_module("cost_estimate", {**FORECAST, "current_sampling": {"fixed_rate": 0.05}})["sampling_change"]
    assert change["before"]["traces_per_second"] == 3.45
    assert change["after"]["traces_per_second"] == 5.9
    month = 30 * 86_400
    assert change["added_per_month_usd"] == pytest.approx((5.9 - 3.45) * month * 5e-6)
    difference = change["after"]["per_month_usd"] - change["before"]["per_month_usd"]
    assert change["added_per_month_usd"] == pytest.approx(difference)


def test_the_result_says_what_it_hangs_on() -> None:
    found = run_module("cost_estimate", {**FORECAST, "pods": 2})["sensitivity"]
    added = {entry["input"]: entry["added_usd"] for entry in found}
    month = 30 * 86_400 * 5e-6
    assert added["prices.xray_recorded_per_million_usd"] == pytest.approx(0.59 * month)
    assert added["forecast.requests_per_second"] == pytest.approx(0.5 * month)
    assert added["forecast.fixed_rate"] == pytest.approx(0.49 * month)
    assert added["forecast.reservoir_size"] == pytest.approx(0.09 * month)
    assert added["pods"] == added["prices.container_insights_pod_day_usd"] == pytest.approx(0.2 * 30 * 0.3)
    assert [abs(entry["added_usd"]) for entry in found] == sorted(map(abs, added.values()), reverse=True)
    assert set(added) == {
        "prices.xray_recorded_per_million_usd",
        "forecast.requests_per_second",
        "forecast.fixed_rate",
        "forecast.reservoir_size",
        "pods",
        "prices.container_insights_pod_day_usd",
    }


def test_a_larger_free_tier_lowers_the_cost() -> None:
    found = run_module("cost_estimate", {**TEST, "apply_free_tier": True})["sensitivity"]
    assert {entry["input"]: entry["added_usd"] for entry in found}["prices.xray_recorded_free_per_month"] == -0.05


def test_old_prices_are_a_warning() -> None:
    held = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    old = {**TEST, "prices": {**PRICES, "date": held}}
    assert "40 days old" in str(run_module("cost_estimate", {**old, "max_price_age_days": 30})["warnings"])
    assert "warnings" not in run_module("cost_estimate", old)


@pytest.mark.parametrize("extra", [{}, {"current_sampling": {"fixed_rate": 0.05}}])
def test_forecast_is_as_documented(extra: dict[str, Any]) -> None:
    result = run_module("cost_estimate", {**FORECAST, **extra})
    assert differences(return_documentation("cost_estimate"), result) == []


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
        ({"prices": {**PRICES, "date": "2999-01-01"}}, ["2999-01-01, which is yet to come"]),
        ({"forecast": LOAD}, ["traces_recorded is given, but forecast tells it too"]),
        ({"current_sampling": {"fixed_rate": 0.1}}, ["current_sampling needs forecast"]),
        ({"forecast": {**LOAD, "fixed_rate": 10}}, ["forecast.fixed_rate is 10.0", "0.05"]),
        ({"forecast": {**LOAD, "spans_per_trace": 1}}, ["bytes_per_span"]),
        ({"forecast": {**LOAD, "indexed_share": 0.5}}, ["indexed_share", "spans_per_trace"]),
    ],
)
def test_bad_option_fails_with_its_name(wrong: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ModuleFailedError) as failure:
        run_module("cost_estimate", {**TEST, **wrong})
    for word in words:
        assert word in failure.value.result["msg"]
