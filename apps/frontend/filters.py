"""What a list's address asks for: page, order and price range, each checked and each with a harmless default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from frontend.services.catalog import ProductQuery

SORTS = (
    ("", "Recommended"),
    ("newest", "Newest"),
    ("price_asc", "Price: low to high"),
    ("price_desc", "Price: high to low"),
    ("name", "Name"),
)
_KNOWN_SORTS = {value for value, _unused in SORTS if value}
_MAXIMUM_PAGE = 10_000
_MAXIMUM_PRICE = Decimal(1_000_000)


@dataclass
class Filters:
    """The checked query; `texts` is what the form shows again, `errors` what is wrong with it by field."""

    page: int = 1
    sort: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    prices: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, arguments: MultiDict[str, str]) -> Filters:
        filters = cls(page_number(arguments), arguments.get("sort", ""))
        if filters.sort not in _KNOWN_SORTS:
            filters.sort = ""
        for name in ("min_price", "max_price"):
            filters._read_price(name, arguments.get(name, "").strip()[:20])
        filters._check_range()
        return filters

    def query(self, category: str | None = None) -> ProductQuery:
        return ProductQuery(
            page=self.page,
            category=category,
            sort=self.sort or None,
            min_price=self.prices.get("min_price"),
            max_price=self.prices.get("max_price"),
        )

    @property
    def chosen(self) -> dict[str, str]:
        """What is narrowed and sorted by, as it stands in the list's address."""
        return {"sort": self.sort, **self.prices}

    def _read_price(self, name: str, text: str) -> None:
        self.texts[name] = text
        if not text:
            return
        price = _price(text)
        if price is None:
            self.errors[name] = "Write a price such as 25 or 19.90."
        else:
            self.prices[name] = str(price)

    def _check_range(self) -> None:
        lowest, highest = self.prices.get("min_price"), self.prices.get("max_price")
        if lowest and highest and Decimal(lowest) > Decimal(highest):
            self.errors["max_price"] = "This is below the lowest price."
            self.prices.clear()


def page_address(path: str, chosen: Mapping[str, str]) -> Callable[[int], str]:
    """What gives the address of each page of a list."""

    def address(page: int) -> str:
        given = {name: value for name, value in chosen.items() if value} | ({"page": str(page)} if page > 1 else {})
        return f"{path}?{urlencode(given)}" if given else path

    return address


def page_number(arguments: MultiDict[str, str]) -> int:
    """The page asked for; 1 for anything that is no page number."""
    text = arguments.get("page", "1")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 1
    return min(max(number, 1), _MAXIMUM_PAGE)


def _price(text: str) -> Decimal | None:
    try:
        price = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    if not price.is_finite() or not 0 <= price <= _MAXIMUM_PRICE:
        return None
    return price.quantize(Decimal("0.01"))
