#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cost_estimate
version_added: 0.1.0
short_description: Estimate what tracing and measuring cost, before or after
description:
  - Multiplies what a test used with the prices given, for the test itself and for a day and a month at its rate.
  - With O(forecast) it reckons what is going to be used, before anything is turned on or before a sampling rule is
    changed.
  - Says which of the numbers given the result hangs on.
  - Knows no price. Prices change, so each table says when it held and where it is from.
  - Calls no AWS API.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  duration_seconds:
    description:
      - How long the test took, or the time of the O(forecast), in seconds.
    type: float
    required: true
  pods:
    description:
      - How many pods Container Insights measured. Needs O(prices.container_insights_pod_day_usd).
    type: int
    default: 0
  metric_observations:
    description:
      - How many observations Container Insights with enhanced observability took in. Needs
        O(prices.container_insights_observations_per_million_usd).
      - Give either this or O(pods), for they are two ways of counting the same.
    type: int
    default: 0
  traces_recorded:
    description:
      - How many traces X-Ray recorded. Needs O(prices.xray_recorded_per_million_usd).
    type: int
    default: 0
  traces_retrieved:
    description:
      - How many traces were read whole. Needs O(prices.xray_retrieved_per_million_usd).
    type: int
    default: 0
  traces_scanned:
    description:
      - How many traces were looked through for summaries, each time they were. Needs
        O(prices.xray_retrieved_per_million_usd).
    type: int
    default: 0
  log_gigabytes:
    description:
      - How many gigabytes of performance log events CloudWatch Logs took in. Needs O(prices.logs_ingested_per_gb_usd).
    type: float
    default: 0
  span_gigabytes:
    description:
      - How many gigabytes of spans CloudWatch Logs took in for Transaction Search. Needs
        O(prices.spans_ingested_per_gb_usd).
    type: float
    default: 0
  spans_indexed:
    description:
      - How many spans X-Ray indexed beyond those that are free. Needs O(prices.spans_indexed_per_million_usd).
    type: int
    default: 0
  forecast:
    description:
      - What the load is going to be. What is reckoned from it takes the place of the quantities above, which must then
        not be given.
    type: dict
    suboptions:
      requests_per_second:
        description: Requests from outside in a second, on average. Each is one trace if it is sampled.
        type: float
        required: true
      fixed_rate:
        description: Share of the requests that are traced once the reservoir is used up, from 0 to 1.
        type: float
        required: true
      reservoir_size:
        description: Requests that are traced each second before O(forecast.fixed_rate) applies.
        type: int
        default: 1
      observations_per_pod_minute:
        description:
          - How many observations Container Insights takes in for a pod in a minute, where it is billed by observation.
            O(pods) is then only what they are counted from.
        type: float
      log_bytes_per_pod_minute:
        description: How many bytes of performance log events there are for a pod in a minute.
        type: float
      spans_per_trace:
        description:
          - How many spans a trace has, where they go to CloudWatch Logs for Transaction Search. X-Ray's price for
            traces recorded is then not paid.
        type: float
      bytes_per_span:
        description: How many bytes a span has. Required with O(forecast.spans_per_trace).
        type: float
      indexed_share:
        description: Share of the spans that is indexed and is not free, from 0 to 1. Needs O(forecast.spans_per_trace).
        type: float
  current_sampling:
    description:
      - The sampling as it is now. RV(sampling_change) then compares it with that of O(forecast).
    type: dict
    suboptions:
      fixed_rate:
        description: Share of the requests that are traced once the reservoir is used up, from 0 to 1.
        type: float
        required: true
      reservoir_size:
        description: Requests that are traced each second before O(current_sampling.fixed_rate) applies.
        type: int
        default: 1
  max_price_age_days:
    description:
      - Warns where O(prices.date) is longer ago.
    type: int
    default: 180
  apply_free_tier:
    description:
      - Whether the sums leave out what is free each month. They then hold only where nothing else in the account uses
        the free tier.
      - The words of each item say both, whichever is chosen.
    type: bool
    default: false
  prices:
    description:
      - The price table, in US dollars. A price is needed only for what was used.
      - Prices are read as decimal numbers, and may be written as such or as strings.
    type: dict
    required: true
    suboptions:
      date:
        description: The day the prices held, in ISO 8601.
        type: str
        required: true
      source:
        description: Where the prices are from, for example the address of a price page.
        type: str
        required: true
      xray_recorded_per_million_usd:
        description: What a million traces recorded cost.
        type: str
      xray_recorded_free_per_month:
        description: How many traces recorded are free each month.
        type: str
      xray_retrieved_per_million_usd:
        description: What a million traces retrieved or scanned cost.
        type: str
      xray_retrieved_free_per_month:
        description: How many traces retrieved or scanned are free each month.
        type: str
      container_insights_pod_day_usd:
        description: What Container Insights costs for a pod and a day.
        type: str
      container_insights_observations_per_million_usd:
        description: What a million observations of Container Insights with enhanced observability cost.
        type: str
      logs_ingested_per_gb_usd:
        description: What CloudWatch Logs costs for a gigabyte of log events.
        type: str
      logs_ingested_free_gb_per_month:
        description: How many gigabytes of log events are free each month.
        type: str
      spans_ingested_per_gb_usd:
        description: What a gigabyte of spans for Transaction Search costs.
        type: str
      spans_indexed_per_million_usd:
        description: What a million indexed spans cost.
        type: str
attributes:
  check_mode:
    description: Changes nothing, and tells the same in check mode.
    support: full
notes:
  - A month is 30 days.
  - Needs no IAM permissions, for it calls no AWS API.
"""

EXAMPLES = r"""
- name: Estimate a test of 13 minutes with four pods
  deepobs.eks.cost_estimate:
    duration_seconds: 780
    pods: 4
    traces_recorded: 396830
    traces_retrieved: 10
    traces_scanned: 396830
    prices:
      date: "2026-01-31"
      source: https://aws.amazon.com/xray/pricing/ and https://aws.amazon.com/cloudwatch/pricing/, us-east-1
      xray_recorded_per_million_usd: 5.00
      xray_recorded_free_per_month: 100000
      xray_retrieved_per_million_usd: 0.50
      xray_retrieved_free_per_month: 1000000
      container_insights_pod_day_usd: 0.30
  register: cost

- name: Estimate an hour before Container Insights and tracing are turned on, and what a higher rate would add
  deepobs.eks.cost_estimate:
    duration_seconds: 3600
    pods: 12
    forecast:
      requests_per_second: 50
      fixed_rate: 0.10
      observations_per_pod_minute: 20
    current_sampling:
      fixed_rate: 0.05
    prices: "{{ observability_prices }}"
  register: forecast

- name: Estimate with what is free each month left out
  deepobs.eks.cost_estimate:
    duration_seconds: "{{ load.totals.duration_seconds }}"
    traces_recorded: "{{ traces.count }}"
    apply_free_tier: true
    prices: "{{ observability_prices }}"
  register: cost
"""

RETURN = r"""
sampling_change:
  description: What another sampling changes, at the load of O(forecast).
  returned: when O(current_sampling) is given
  type: dict
  contains:
    before:
      description: What O(current_sampling) leads to.
      returned: always
      type: dict
      sample: {traces_per_second: 3.45, per_month_usd: 44.712}
    after:
      description: What the sampling in O(forecast) leads to.
      returned: always
      type: dict
      sample: {traces_per_second: 5.9, per_month_usd: 76.464}
    added_per_month_usd:
      description: What a month costs more; negative where it costs less.
      returned: always
      type: float
      sample: 31.752
sensitivity:
  description:
    - On which of the numbers given a month's cost hangs, the most first, each by what 10 percent more of it add. A
      number on which it does not hang is left out.
  returned: always
  type: list
  elements: dict
  contains:
    input:
      description: The option.
      returned: always
      type: str
      sample: forecast.requests_per_second
    added_usd:
      description: What 10 percent more of it add to a month's cost; negative where it gets less.
      returned: always
      type: float
      sample: 6.48
currency:
  description: The currency of all sums.
  returned: always
  type: str
  sample: USD
this_test_usd:
  description: What the test, or the time forecast, costs.
  returned: always
  type: float
  sample: 2.19331917
per_day_usd:
  description: What a day at its rate costs.
  returned: always
  type: float
  sample: 242.95
per_month_usd:
  description: What 30 days at its rate cost.
  returned: always
  type: float
  sample: 7288.5
items:
  description: The lines of the bill for the test, only of what was used.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What is paid for.
      returned: always
      type: str
      sample: X-Ray traces recorded
    quantity:
      description: How much of it the test used.
      returned: always
      type: float
      sample: 396830.0
    unit:
      description: What is counted.
      returned: always
      type: str
      sample: traces
    unit_price_usd:
      description: What one unit costs.
      returned: always
      type: float
      sample: 0.000005
    free_quantity:
      description: How much of the quantity a month's free tier covers, whether or not it is left out of the cost.
      returned: always
      type: float
      sample: 100000.0
    cost_usd:
      description: What it costs; with O(apply_free_tier=true) without what is free.
      returned: always
      type: float
      sample: 1.98415
    formula:
      description: The cost in words, both with and without what is free.
      returned: always
      type: str
      sample: >-
        396,830 traces recorded x $5 a million = $1.98; with 100,000 traces a month free: $1.48
prices:
  description: The price table as given, without the prices left out.
  returned: always
  type: dict
  sample:
    date: "2026-01-31"
    source: https://aws.amazon.com/xray/pricing/
    xray_recorded_per_million_usd: 5.0
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.deepobs.eks.plugins.module_utils.aws import run_module
from ansible_collections.deepobs.eks.plugins.module_utils.costs import (
    PRICES,
    QUANTITIES,
    PriceTable,
    Usage,
    as_number,
    bill,
    check_origin,
    estimate,
    parse_price,
    per_month,
)
from ansible_collections.deepobs.eks.plugins.module_utils.forecasts import forecast, sampling_of, sensitivity

_ORIGIN = ("date", "source")
_FLOATS = ("log_gigabytes", "span_gigabytes")
_FORECAST_FLOATS = (
    "observations_per_pod_minute",
    "log_bytes_per_pod_minute",
    "spans_per_trace",
    "bytes_per_span",
    "indexed_share",
)
_SAMPLING: dict[str, dict[str, Any]] = {
    "fixed_rate": {"type": "float", "required": True},
    "reservoir_size": {"type": "int", "default": 1},
}

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "duration_seconds": {"type": "float", "required": True},
    **{name: {"type": "float" if name in _FLOATS else "int", "default": 0} for name in QUANTITIES},
    "forecast": {
        "type": "dict",
        "options": {
            "requests_per_second": {"type": "float", "required": True},
            **_SAMPLING,
            **{name: {"type": "float"} for name in _FORECAST_FLOATS},
        },
        "required_together": [("spans_per_trace", "bytes_per_span")],
        "required_by": {"indexed_share": ("spans_per_trace",)},
    },
    "current_sampling": {"type": "dict", "options": _SAMPLING},
    "max_price_age_days": {"type": "int", "default": 180},
    "apply_free_tier": {"type": "bool", "default": False},
    "prices": {
        "type": "dict",
        "required": True,
        "options": {
            **{name: {"type": "str", "required": True} for name in _ORIGIN},
            **{name: {"type": "str"} for name in PRICES},
        },
    },
}


def usage_of(params: dict[str, Any]) -> Usage:
    """What the options say is used; raises ValueError."""
    duration_seconds = Decimal(str(params["duration_seconds"]))
    if not duration_seconds.is_finite() or duration_seconds <= 0:
        raise ValueError(f"duration_seconds is {duration_seconds}; give the test's length, more than 0")
    quantities = {name: parse_price(name, str(params[name])) for name in QUANTITIES}
    origins: dict[str, str] = {}
    if params["forecast"]:
        reckoned = forecast(params["forecast"], duration_seconds, quantities["pods"])
        for name in reckoned.quantities:
            if quantities[name]:
                raise ValueError(f"{name} is given, but forecast tells it too; give only one of them")
        quantities, origins = {**quantities, **reckoned.quantities}, reckoned.origins
        if "metric_observations" in reckoned.quantities:
            quantities["pods"] = Decimal(0)
    if quantities["pods"] and quantities["metric_observations"]:
        raise ValueError("pods and metric_observations count the same thing; give only one of them")
    return Usage(duration_seconds, quantities, origins)


def month_of(params: dict[str, Any]) -> Decimal:
    """What 30 days cost; raises ValueError."""
    usage = usage_of(params)
    return per_month(bill(usage, _prices(params)), usage.duration_seconds, params["apply_free_tier"])


def _prices(params: dict[str, Any]) -> PriceTable:
    given = {name: params["prices"][name] for name in PRICES}
    return PriceTable({name: None if value is None else str(value) for name, value in given.items()})


def sampling_change(params: dict[str, Any]) -> dict[str, Any]:
    """What the forecast's sampling changes; raises ValueError."""
    if not params["forecast"]:
        raise ValueError("current_sampling needs forecast: without requests and a new sampling there is no change")
    rate = Decimal(str(params["forecast"]["requests_per_second"]))
    current = params["current_sampling"]
    sides = {
        "before": ("current_sampling", {**params, "forecast": {**params["forecast"], **current}}),
        "after": ("forecast", params),
    }
    found = {
        side: {
            "traces_per_second": as_number(sampling_of(options[where], where).traces_per_second(rate)),
            "per_month_usd": as_number(month_of(options)),
        }
        for side, (where, options) in sides.items()
    }
    return {**found, "added_per_month_usd": as_number(month_of(params) - month_of(sides["before"][1]))}


def hangs_on(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Which numbers of the options a month's cost hangs on."""
    names = (*QUANTITIES, "forecast", "prices")
    prices = {name: Decimal(params["prices"][name]) for name in PRICES if params["prices"][name] is not None}
    numbers = {name: params[name] for name in names if params[name]} | {"prices": prices}

    def cost(changed: dict[str, Any]) -> Decimal:
        return month_of({**params, **changed, "prices": {**params["prices"], **changed["prices"]}})

    return sensitivity(numbers, cost)


def run(module: Any) -> dict[str, Any]:
    """What the module returns; raises ValueError."""
    params, prices = module.params, module.params["prices"]
    if warning := check_origin(prices, datetime.now(UTC).date(), params["max_price_age_days"]):
        module.warn(warning)
    usage = usage_of(params)
    items = bill(usage, _prices(params))
    given = {name: float(prices[name]) for name in PRICES if prices[name] is not None}
    return {
        "changed": False,
        **estimate(items, usage.duration_seconds, params["apply_free_tier"]),
        **({"sampling_change": sampling_change(params)} if params["current_sampling"] else {}),
        "sensitivity": hangs_on(params),
        "prices": {**given, **{name: prices[name] for name in _ORIGIN}},
    }


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
