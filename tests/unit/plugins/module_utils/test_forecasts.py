"""What a load uses, by hand and by counting requests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.forecasts import Sampling, forecast, sampling_of, sensitivity
from hypothesis import given
from hypothesis import strategies as st

RATES = st.integers(0, 100).map(lambda percent: Decimal(percent) / 100)
LOAD: dict[str, Any] = {"requests_per_second": 50.0, "fixed_rate": 0.1, "reservoir_size": 5}


@given(st.integers(0, 200), st.integers(0, 50), RATES)
def test_traces_are_those_of_requests_decided_one_by_one(requests: int, reservoir: int, rate: Decimal) -> None:
    traced = sum(Decimal(1) if number < reservoir else rate for number in range(requests))
    assert Sampling(Decimal(reservoir), rate).traces_per_second(Decimal(requests)) == traced


def test_traces_of_a_load() -> None:
    found = forecast(LOAD, Decimal(60), Decimal(0))
    assert found.quantities == {"traces_recorded": Decimal(570)}
    assert found.origins["traces_recorded"] == "50 requests/s x 60 s, sampled 5/s and 10 % of the rest"


def test_observations_and_logs_go_by_the_pods() -> None:
    options = {**LOAD, "observations_per_pod_minute": 20.0, "log_bytes_per_pod_minute": 1_000_000.0}
    found = forecast(options, Decimal(3600), Decimal(4)).quantities
    assert (found["metric_observations"], found["log_gigabytes"]) == (Decimal(4_800), Decimal("0.24"))


def test_spans_take_the_place_of_traces() -> None:
    options = {**LOAD, "spans_per_trace": 4.0, "bytes_per_span": 2500.0, "indexed_share": 0.01}
    found = forecast(options, Decimal(1000), Decimal(0))
    assert found.quantities == {"span_gigabytes": Decimal("0.095"), "spans_indexed": Decimal(380)}
    assert found.origins["spans_indexed"].endswith("4 spans a trace, 1 % indexed")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fixed_rate": 5.0}, "forecast.fixed_rate is 5.0; it is a share"),
        ({"fixed_rate": -1.0}, "forecast.fixed_rate is -1.0"),
        ({"requests_per_second": -1.0}, "forecast.requests_per_second is -1.0"),
        ({"indexed_share": 1.5}, "forecast.indexed_share is 1.5; it is a share"),
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        forecast({**LOAD, **wrong}, Decimal(1), Decimal(0))


def test_sampling_is_named_by_its_option() -> None:
    with pytest.raises(ValueError, match=r"current_sampling\.fixed_rate is 2"):
        sampling_of({"fixed_rate": 2, "reservoir_size": 1}, "current_sampling")


def test_cost_hangs_on_what_changes_it() -> None:
    options = {"a": 10, "idle": 7, "none": 0, "on": True, "name": "x", "deep": {"fixed_rate": 1.0, "b": 2}}

    def cost(given: dict[str, Any]) -> Decimal:
        return Decimal(str(given["a"])) + 100 * Decimal(str(given["deep"]["b"])) * Decimal(
            str(given["deep"]["fixed_rate"])
        )

    assert sensitivity(options, cost) == [{"input": "deep.b", "added_usd": 20.0}, {"input": "a", "added_usd": 1.0}]
