# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a test costs: quantities times prices, in Decimal, for the test and for going on at its rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

DAY_SECONDS = Decimal(86_400)
MONTH_DAYS = Decimal(30)
MILLION = Decimal(1_000_000)
_SHOWN = Decimal("0.00000001")
_NONE = Decimal(0)


@dataclass(frozen=True)
class Item:
    """One line of the bill: so many units, each at a price, of which a month has some free."""

    name: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    free_each_month: Decimal
    words: str

    def cost(self, times: Decimal, with_free_tier: bool) -> Decimal:
        """US dollars for the quantity so many times over; the free tier is that of a whole month."""
        quantity = self.quantity * times
        free = self.free_each_month if with_free_tier else _NONE
        return max(quantity - free, _NONE) * self.unit_price


@dataclass(frozen=True)
class Usage:
    """What a test used."""

    duration_seconds: Decimal
    traces_recorded: Decimal
    traces_retrieved: Decimal
    traces_scanned: Decimal
    pods: Decimal
    metric_observations: Decimal


def parse_price(option: str, text: str) -> Decimal:
    """A price or quantity that is not negative; raises ValueError naming the option."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{option} is {text!r}; give a number such as 5 or 0.30") from error
    if not value.is_finite() or value < 0:
        raise ValueError(f"{option} is {text}; give a number that is not negative")
    return value


def check_origin(prices: dict[str, Any]) -> None:
    """Raises ValueError unless the table says when it was right, and who says so."""
    try:
        date.fromisoformat(prices["date"])
    except ValueError as error:
        raise ValueError(f"prices.date is {prices['date']!r}; give the day they held, like 2026-01-31") from error
    if not prices["source"].strip():
        raise ValueError("prices.source is empty; name where the prices are from, such as the address of a price page")


class PriceTable:
    """The prices given, by option name; asking for one that was left out is the user's error."""

    def __init__(self, prices: dict[str, str | None]) -> None:
        self._prices = {name: parse_price(f"prices.{name}", text) for name, text in prices.items() if text is not None}

    def per(self, units: Decimal, name: str, reason: str) -> Decimal:
        """The price of one unit, where the table has it for so many; raises ValueError when it is left out."""
        if name not in self._prices:
            raise ValueError(f"prices.{name} is missing, but {reason} is given; add it to prices")
        return self._prices[name] / units

    def free(self, name: str) -> Decimal:
        """How many units a month are free; none when left out."""
        return self._prices.get(name, _NONE)


def bill(usage: Usage, prices: PriceTable) -> list[Item]:
    """The lines of the bill for what was used; what was not used needs no price."""
    makers: tuple[tuple[Decimal, Callable[[Usage, PriceTable], Item]], ...] = (
        (usage.traces_recorded, _recorded),
        (usage.traces_retrieved + usage.traces_scanned, _read),
        (usage.pods, _pods),
        (usage.metric_observations, _observations),
    )
    return [make(usage, prices) for used, make in makers if used]


def _recorded(usage: Usage, prices: PriceTable) -> Item:
    price = prices.per(MILLION, "xray_recorded_per_million_usd", "traces_recorded")
    free = prices.free("xray_recorded_free_per_month")
    words = f"{_plain(usage.traces_recorded)} traces recorded x ${_plain(price * MILLION)} a million"
    return Item("X-Ray traces recorded", usage.traces_recorded, "traces", price, free, words)


def _read(usage: Usage, prices: PriceTable) -> Item:
    price = prices.per(MILLION, "xray_retrieved_per_million_usd", "traces_retrieved or traces_scanned")
    free = prices.free("xray_retrieved_free_per_month")
    parts = f"({_plain(usage.traces_retrieved)} traces retrieved + {_plain(usage.traces_scanned)} scanned)"
    quantity = usage.traces_retrieved + usage.traces_scanned
    words = f"{parts} x ${_plain(price * MILLION)} a million"
    return Item("X-Ray traces retrieved or scanned", quantity, "traces", price, free, words)


def _pods(usage: Usage, prices: PriceTable) -> Item:
    price = prices.per(Decimal(1), "container_insights_pod_day_usd", "pods")
    pod_days = usage.pods * usage.duration_seconds / DAY_SECONDS
    duration = f"{_plain(usage.duration_seconds)} s / {_plain(DAY_SECONDS)} s a day"
    words = f"{_plain(usage.pods)} pods x {duration} x ${_plain(price)} a pod and day"
    return Item("Container Insights, by pod", pod_days, "pod-days", price, _NONE, words)


def _observations(usage: Usage, prices: PriceTable) -> Item:
    price = prices.per(MILLION, "container_insights_observations_per_million_usd", "metric_observations")
    words = f"{_plain(usage.metric_observations)} observations x ${_plain(price * MILLION)} a million"
    return Item("Container Insights, by observation", usage.metric_observations, "observations", price, _NONE, words)


def estimate(items: list[Item], duration_seconds: Decimal, with_free_tier: bool) -> dict[str, Any]:
    """The sums of a bill for the test alone, and for a day and a month of 30 days at the test's rate.

    A free tier holds for a whole month: the test is taken as the month's only one, and a day costs a thirtieth
    of the month.
    """
    month = MONTH_DAYS * DAY_SECONDS / duration_seconds
    per_month = sum((item.cost(month, with_free_tier) for item in items), _NONE)
    this_test = sum((item.cost(Decimal(1), with_free_tier) for item in items), _NONE)
    return {
        "currency": "USD",
        "this_test_usd": as_number(this_test),
        "per_day_usd": as_number(per_month / MONTH_DAYS),
        "per_month_usd": as_number(per_month),
        "items": [_readable_item(item, with_free_tier) for item in items],
    }


def _readable_item(item: Item, with_free_tier: bool) -> dict[str, Any]:
    return {
        "name": item.name,
        "quantity": as_number(item.quantity),
        "unit": item.unit,
        "unit_price_usd": float(item.unit_price),
        "free_quantity": as_number(min(item.free_each_month, item.quantity)),
        "cost_usd": as_number(item.cost(Decimal(1), with_free_tier)),
        "formula": _formula(item),
    }


def _formula(item: Item) -> str:
    """The cost in words, both with and without the free tier where there is one."""
    full = f"{item.words} = {_dollars(item.cost(Decimal(1), False))}"
    if not item.free_each_month:
        return full
    free = f"with {_plain(item.free_each_month)} {item.unit} a month free"
    return f"{full}; {free}: {_dollars(item.cost(Decimal(1), True))}"


def as_number(value: Decimal) -> float:
    """JSON's number for a sum, to eight decimals."""
    return float(value.quantize(_SHOWN, ROUND_HALF_EVEN))


def _plain(value: Decimal) -> str:
    """With thousands separated, without an exponent and trailing zeros."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _dollars(value: Decimal) -> str:
    """To the cent, or to two significant digits where it is less."""
    if value >= Decimal("0.01") or not value:
        return f"${value:,.2f}"
    return f"${value:.{1 - value.adjusted()}f}"
