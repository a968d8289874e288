#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: cost_estimate
version_added: 0.1.0
short_description: Estimate what tracing and measuring a test costs
description:
  - Multiplies what a test used with the prices given, for the test itself and for a day and a month at its rate.
  - Knows no price. Prices change, so each table says when it held and where it is from.
  - Calls no AWS API.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  duration_seconds:
    description:
      - How long the test took, in seconds.
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
notes:
  - A month is 30 days.
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

- name: Estimate with what is free each month left out
  deepobs.eks.cost_estimate:
    duration_seconds: "{{ load.totals.duration_seconds }}"
    traces_recorded: "{{ traces.count }}"
    apply_free_tier: true
    prices: "{{ observability_prices }}"
  register: cost
"""

RETURN = r"""
currency:
  description: The currency of all sums.
  returned: always
  type: str
  sample: USD
this_test_usd:
  description: What the test cost.
  returned: always
  type: float
  sample: 2.19331917
per_day_usd:
  description: What a day at the test's rate costs.
  returned: always
  type: float
  sample: 242.95
per_month_usd:
  description: What 30 days at the test's rate cost.
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

from decimal import Decimal
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.deepobs.eks.plugins.module_utils.costs import (
    PriceTable,
    Usage,
    bill,
    check_origin,
    estimate,
    parse_price,
)

_ORIGIN = ("date", "source")
_PRICES = (
    "xray_recorded_per_million_usd",
    "xray_recorded_free_per_month",
    "xray_retrieved_per_million_usd",
    "xray_retrieved_free_per_month",
    "container_insights_pod_day_usd",
    "container_insights_observations_per_million_usd",
)
_QUANTITIES = ("pods", "metric_observations", "traces_recorded", "traces_retrieved", "traces_scanned")

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "duration_seconds": {"type": "float", "required": True},
    **{name: {"type": "int", "default": 0} for name in _QUANTITIES},
    "apply_free_tier": {"type": "bool", "default": False},
    "prices": {
        "type": "dict",
        "required": True,
        "options": {
            **{name: {"type": "str", "required": True} for name in _ORIGIN},
            **{name: {"type": "str"} for name in _PRICES},
        },
    },
}


def usage_of(params: dict[str, Any]) -> Usage:
    """What the options say was used; raises ValueError."""
    duration_seconds = Decimal(str(params["duration_seconds"]))
    if not duration_seconds.is_finite() or duration_seconds <= 0:
        raise ValueError(f"duration_seconds is {duration_seconds}; give the test's length, more than 0")
    if params["pods"] and params["metric_observations"]:
        raise ValueError("pods and metric_observations count the same thing; give only one of them")
    quantities = {name: parse_price(name, str(params[name])) for name in _QUANTITIES}
    return Usage(duration_seconds=duration_seconds, **quantities)


def run(params: dict[str, Any]) -> dict[str, Any]:
    """What the module returns; raises ValueError."""
    prices = params["prices"]
    check_origin(prices)
    usage = usage_of(params)
    items = bill(usage, PriceTable({name: prices[name] for name in _PRICES}))
    given = {name: float(prices[name]) for name in _PRICES if prices[name] is not None}
    origin = {name: prices[name] for name in _ORIGIN}
    return {**estimate(items, usage.duration_seconds, params["apply_free_tier"]), "prices": {**given, **origin}}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module.params)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
