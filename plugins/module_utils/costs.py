# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What observing costs: quantities times prices, in Decimal, for a time and for going on at its rate. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

DAY_SECONDS = Decimal(86_400)
MONTH_DAYS = Decimal(30)
MILLION = Decimal(1_000_000)
_SHOWN = Decimal("0.00000001")
_NONE = Decimal(0)
_ONE = Decimal(1)


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
    """What was used, or is going to be, in a time.

    `origins` tells, by the name of a quantity, how it was reckoned where it was not given.
    """

    duration_seconds: Decimal
    quantities: Mapping[str, Decimal]
    origins: Mapping[str, str]

    def of(self, name: str) -> Decimal:
        """A quantity; none where it was not named."""
        return self.quantities.get(name, _NONE)


@dataclass(frozen=True)
class Line:
    """How one thing is billed: which quantities together, in which unit, at which prices."""

    name: str
    quantities: tuple[str, ...]
    unit: str
    price: str
    priced_units: Decimal
    price_words: str
    free: str = ""


# Amazon's pricing pages for AWS X-Ray and Amazon CloudWatch name these units; what they cost is an input.
LINES = (
    Line(
        "X-Ray traces recorded",
        ("traces_recorded",),
        "traces",
        "xray_recorded_per_million_usd",
        MILLION,
        "a million",
        "xray_recorded_free_per_month",
    ),
    Line(
        "X-Ray traces retrieved or scanned",
        ("traces_retrieved", "traces_scanned"),
        "traces",
        "xray_retrieved_per_million_usd",
        MILLION,
        "a million",
        "xray_retrieved_free_per_month",
    ),
    Line("Container Insights, by pod", ("pods",), "pod-days", "container_insights_pod_day_usd", _ONE, "a pod and day"),
    Line(
        "Container Insights, by observation",
        ("metric_observations",),
        "observations",
        "container_insights_observations_per_million_usd",
        MILLION,
        "a million",
    ),
    Line(
        "CloudWatch Logs, performance log events",
        ("log_gigabytes",),
        "GB",
        "logs_ingested_per_gb_usd",
        _ONE,
        "a GB",
        "logs_ingested_free_gb_per_month",
    ),
    Line("Transaction Search, spans ingested", ("span_gigabytes",), "GB", "spans_ingested_per_gb_usd", _ONE, "a GB"),
    Line(
        "Transaction Search, spans indexed",
        ("spans_indexed",),
        "spans",
        "spans_indexed_per_million_usd",
        MILLION,
        "a million",
    ),
)
QUANTITIES = tuple(name for line in LINES for name in line.quantities)
PRICES = tuple(price for line in LINES for price in (line.price, line.free) if price)


def parse_price(option: str, text: str) -> Decimal:
    """A price or quantity that is not negative; raises ValueError naming the option."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{option} is {text!r}; give a number such as 5 or 0.30") from error
    if not value.is_finite() or value < 0:
        raise ValueError(f"{option} is {text}; give a number that is not negative")
    return value


def check_origin(prices: Mapping[str, Any], today: date, oldest_days: int) -> str:
    """A warning where the table is older than so many days, else nothing.

    Raises ValueError unless the table says when it was right, and who says so.
    """
    try:
        held = date.fromisoformat(prices["date"])
    except ValueError as error:
        raise ValueError(f"prices.date is {prices['date']!r}; give the day they held, like 2026-01-31") from error
    if not prices["source"].strip():
        raise ValueError("prices.source is empty; name where the prices are from, such as the address of a price page")
    age_days = (today - held).days
    if age_days < -1:  # the day may have begun elsewhere
        raise ValueError(f"prices.date is {held}, which is yet to come; give the day the prices held")
    if age_days <= oldest_days:
        return ""
    return (
        f"The prices are {age_days} days old; look at {prices['source']} whether they still hold, and set prices.date."
    )


class PriceTable:
    """The prices given, by option name; asking for one that was left out is the user's error."""

    def __init__(self, prices: Mapping[str, str | None]) -> None:
        self._prices = {name: parse_price(f"prices.{name}", text) for name, text in prices.items() if text is not None}

    def per(self, line: Line) -> Decimal:
        """The price of one unit of a line; raises ValueError when it is left out."""
        if line.price not in self._prices:
            raise ValueError(f"prices.{line.price} is missing, but {' or '.join(line.quantities)} is given; add it")
        return self._prices[line.price] / line.priced_units

    def free(self, line: Line) -> Decimal:
        """How many units a month are free; none when left out."""
        return self._prices.get(line.free, _NONE)


def bill(usage: Usage, prices: PriceTable) -> list[Item]:
    """The lines of the bill for what was used; what was not used needs no price."""
    return [_item(line, usage, prices) for line in LINES if any(map(usage.of, line.quantities))]


def _item(line: Line, usage: Usage, prices: PriceTable) -> Item:
    price, quantity = prices.per(line), sum(map(usage.of, line.quantities), _NONE)
    parts = [_part(name, usage) for name in line.quantities]
    words = parts[0] if len(parts) == 1 else f"({' + '.join(parts)})"
    if line.unit == "pod-days":
        quantity = quantity * usage.duration_seconds / DAY_SECONDS
        words += f" x {plain(usage.duration_seconds)} s / {plain(DAY_SECONDS)} s a day"
    words += f" x ${plain(price * line.priced_units)} {line.price_words}"
    return Item(line.name, quantity, line.unit, price, prices.free(line), words)


def _part(name: str, usage: Usage) -> str:
    """A quantity in words, with how it was reckoned."""
    noun = name.replace("_gigabytes", " GB").replace("_", " ")
    origin = usage.origins.get(name)
    return f"{plain(usage.of(name))} {noun}" + (f" [{origin}]" if origin else "")


def estimate(items: list[Item], duration_seconds: Decimal, with_free_tier: bool) -> dict[str, Any]:
    """The sums of a bill for its time alone, and for a day and a month of 30 days at its rate.

    A free tier holds for a whole month: the time is taken as the month's only one, and a day costs a thirtieth
    of the month.
    """
    month = per_month(items, duration_seconds, with_free_tier)
    this_test = sum((item.cost(_ONE, with_free_tier) for item in items), _NONE)
    return {
        "currency": "USD",
        "this_test_usd": as_number(this_test),
        "per_day_usd": as_number(month / MONTH_DAYS),
        "per_month_usd": as_number(month),
        "items": [_readable_item(item, with_free_tier) for item in items],
    }


def per_month(items: list[Item], duration_seconds: Decimal, with_free_tier: bool) -> Decimal:
    """US dollars for 30 days at the rate of the time."""
    times = MONTH_DAYS * DAY_SECONDS / duration_seconds
    return sum((item.cost(times, with_free_tier) for item in items), _NONE)


def _readable_item(item: Item, with_free_tier: bool) -> dict[str, Any]:
    return {
        "name": item.name,
        "quantity": as_number(item.quantity),
        "unit": item.unit,
        "unit_price_usd": float(item.unit_price),
        "free_quantity": as_number(min(item.free_each_month, item.quantity)),
        "cost_usd": as_number(item.cost(_ONE, with_free_tier)),
        "formula": _formula(item),
    }


def _formula(item: Item) -> str:
    """The cost in words, both with and without the free tier where there is one."""
    full = f"{item.words} = {_dollars(item.cost(_ONE, False))}"
    if not item.free_each_month:
        return full
    free = f"with {plain(item.free_each_month)} {item.unit} a month free"
    return f"{full}; {free}: {_dollars(item.cost(_ONE, True))}"


def as_number(value: Decimal) -> float:
    """JSON's number for a sum, to eight decimals."""
    return float(value.quantize(_SHOWN, ROUND_HALF_EVEN))


def plain(value: Decimal) -> str:
    """With thousands separated, without an exponent and trailing zeros, to eight decimals."""
    text = f"{value:,.8f}"
    return text.rstrip("0").rstrip(".")


def _dollars(value: Decimal) -> str:
    """To the cent, or to two significant digits where it is less."""
    if value >= Decimal("0.01") or not value:
        return f"${value:,.2f}"
    return f"${value:.{1 - value.adjusted()}f}"
