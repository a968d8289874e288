"""What the shop sold, as the backend tells an admin, and the chart of it; parsers raise as those of `models` do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from frontend.models import parse_money

Json = Any
CHART_WIDTH, CHART_HEIGHT = 600, 160
_GAP = 0.25


@dataclass(frozen=True, slots=True)
class Day:
    """A day in UTC: its orders that were not cancelled, and their sum in EUR."""

    day: date
    orders: int
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class Ranked:
    """A product with the pieces that were sold, or are left, and what they brought in EUR."""

    slug: str
    name: str
    quantity: int
    revenue: Decimal = Decimal(0)

    @property
    def path(self) -> str:
        return f"/products/{quote(self.slug, safe='')}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the chart, in units of its view box."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Sales:
    """The admin's figures: of all time, and of the last days."""

    orders: int
    revenue: Decimal
    average_order: Decimal
    customers: int
    by_status: dict[str, int]
    days: tuple[Day, ...]
    best_sellers: tuple[Ranked, ...]
    low_stock: tuple[Ranked, ...]

    @property
    def recent_revenue(self) -> Decimal:
        return sum((day.revenue for day in self.days), Decimal(0))

    @property
    def best_day(self) -> Day | None:
        """The day with the highest revenue; None where nothing was sold."""
        best = max(self.days, key=lambda day: day.revenue, default=None)
        return best if best is not None and best.revenue else None

    def bars(self) -> tuple[Bar, ...]:
        """A bar for each day, as high as its revenue beside the best day's."""
        highest = max((day.revenue for day in self.days), default=Decimal(0)) or Decimal(1)
        step = CHART_WIDTH / (len(self.days) or 1)
        heights = (float(day.revenue / highest) * CHART_HEIGHT for day in self.days)
        return tuple(
            Bar(
                round(step * (number + _GAP / 2), 1),
                round(CHART_HEIGHT - height, 1),
                round(step * (1 - _GAP), 1),
                round(height, 1),
            )
            for number, height in enumerate(heights)
        )


def parse_sales(raw: Json) -> Sales:
    return Sales(
        orders=int(raw["orders"]),
        revenue=parse_money(raw["revenue"]),
        average_order=parse_money(raw["average_order"]),
        customers=int(raw["customers"]),
        by_status={str(status): int(count) for status, count in raw["by_status"].items()},
        days=tuple(_parse_day(day) for day in raw["sales_by_day"]),
        best_sellers=tuple(_parse_ranked(item, "quantity") for item in raw["best_sellers"]),
        low_stock=tuple(_parse_ranked(item, "stock") for item in raw["low_stock"]),
    )


def _parse_day(raw: Json) -> Day:
    return Day(date.fromisoformat(raw["day"]), int(raw["orders"]), parse_money(raw["revenue"]))


def _parse_ranked(raw: Json, quantity: str) -> Ranked:
    product = raw["product"]
    return Ranked(product["slug"], product["name"], int(raw[quantity]), parse_money(raw.get("revenue", 0)))
