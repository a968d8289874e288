"""What the backend answers, as typed values; every parser raises KeyError, TypeError or ValueError on another shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from markupsafe import Markup

Json = Any
ProductId = int | str
_Item = TypeVar("_Item")
NEXT_STATUSES = {
    "pending": ("paid", "cancelled"),
    "paid": ("shipped", "cancelled"),
    "shipped": ("delivered",),
    "delivered": (),
    "cancelled": (),
}


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the category tree."""

    slug: str
    name: str
    children: tuple[Category, ...] = ()

    @property
    def path(self) -> str:
        return f"/categories/{quote(self.slug, safe='')}"


@dataclass(frozen=True, slots=True)
class Product:
    """A product as lists and product pages show it; prices in EUR."""

    id: ProductId
    slug: str
    name: str
    description: str
    price: Decimal
    compare_at_price: Decimal | None
    stock: int
    category: Category | None

    @property
    def path(self) -> str:
        return f"/products/{quote(self.slug, safe='')}"

    @property
    def reduced(self) -> bool:
        """Whether it is cheaper than the price it is compared with."""
        return self.compare_at_price is not None and self.compare_at_price > self.price


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """One page of a longer list; pages count from 1. `rendered` is what was made of the whole of it, by its use."""

    items: tuple[_Item, ...]
    page: int
    pages: int
    total: int
    rendered: dict[str, Markup] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class User:
    """The account's owner."""

    email: str
    name: str
    role: str = "customer"

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A place where the account is signed in; `program` is empty where nothing is known of it."""

    id: str
    program: str
    begun_at: datetime
    last_seen_at: datetime
    is_here: bool


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a login gives: the bearer token, whose it is, and how long it holds."""

    token: str
    user: User
    expires_in_seconds: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where an order goes; country is an ISO 3166 alpha-2 code."""

    name: str
    street: str
    city: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product of an order at the price it was bought for."""

    slug: str
    name: str
    quantity: int
    unit_price: Decimal

    @property
    def path(self) -> str:
        return f"/products/{quote(self.slug, safe='')}"

    @property
    def total(self) -> Decimal:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """An order; whose it is (`email`) is told to admins only."""

    id: ProductId
    number: str
    status: str
    total: Decimal
    created_at: datetime
    lines: tuple[OrderLine, ...]
    address: Address | None = None
    email: str = ""

    @property
    def path(self) -> str:
        return f"/orders/{quote(str(self.id), safe='')}"

    @property
    def can_be_cancelled(self) -> bool:
        return "cancelled" in self.next_statuses

    @property
    def next_statuses(self) -> tuple[str, ...]:
        """What an admin may move the order to."""
        return NEXT_STATUSES.get(self.status, ())


def parse_product(raw: Json) -> Product:
    compare_at = raw.get("compare_at_price")
    return Product(
        id=raw["id"],
        slug=raw["slug"],
        name=raw["name"],
        description=raw.get("description") or "",
        price=parse_money(raw["price"]),
        compare_at_price=None if compare_at is None else parse_money(compare_at),
        stock=int(raw["stock"]),
        category=parse_category(raw["category"]) if raw.get("category") else None,
    )


def parse_category(raw: Json) -> Category:
    return Category(raw["slug"], raw["name"], tuple(parse_category(child) for child in raw.get("children") or ()))


def parse_categories(raw: Json) -> tuple[Category, ...]:
    return tuple(parse_category(item) for item in raw)


def parse_page(parse_item: Callable[[Json], _Item]) -> Callable[[Json], Page[_Item]]:
    """A parser of pages whose items `parse_item` understands."""

    def parse(raw: Json) -> Page[_Item]:
        items = tuple(parse_item(item) for item in raw["items"])
        return Page(items, int(raw.get("page", 1)), int(raw.get("pages", 1)), int(raw.get("total", len(items))))

    return parse


def parse_texts(raw: Json) -> tuple[str, ...]:
    return tuple(str(text) for text in raw)


def parse_user(raw: Json) -> User:
    return User(str(raw["email"]), str(raw.get("name") or raw["email"]), str(raw.get("role", "customer")))


def parse_signed_in(raw: Json) -> tuple[SignedIn, ...]:
    return tuple(
        SignedIn(
            id=str(item["id"]),
            program=str(item.get("user_agent") or ""),
            begun_at=datetime.fromisoformat(item["created_at"]),
            last_seen_at=datetime.fromisoformat(item["last_seen_at"]),
            is_here=bool(item["current"]),
        )
        for item in raw["items"]
    )


def parse_sign_in(raw: Json) -> SignIn:
    return SignIn(str(raw["token"]), parse_user(raw["user"]), int(raw.get("expires_in", 3600)))


def parse_order(raw: Json) -> Order:
    return Order(
        id=raw["id"],
        number=str(raw.get("number") or raw["id"]),
        status=str(raw["status"]),
        total=parse_money(raw["total"]),
        created_at=datetime.fromisoformat(raw["created_at"]),
        lines=tuple(_parse_line(line) for line in raw.get("items") or ()),
        address=_parse_address(raw["shipping_address"]) if raw.get("shipping_address") else None,
        email=str(raw.get("email") or ""),
    )


def _parse_address(raw: Json) -> Address:
    return Address(**{part.name: str(raw[part.name]) for part in fields(Address)})


def _parse_line(raw: Json) -> OrderLine:
    product = raw["product"]
    return OrderLine(product["slug"], product["name"], int(raw["quantity"]), parse_money(raw["unit_price"]))


def parse_money(raw: Json) -> Decimal:
    try:
        amount = Decimal(raw)
    except InvalidOperation as problem:
        raise ValueError(f"{raw!r} is no amount") from problem
    if not amount.is_finite():
        raise ValueError(f"{raw!r} is no amount")
    return amount
