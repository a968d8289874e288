"""The shapes of the API's answers: what stands under `data`, and the documents that are not wrapped."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, NotRequired, TypedDict

from backend.schemas import Example

Money = Annotated[Decimal, "EUR, with two decimals"]
Status = Literal["pending", "paid", "shipped", "delivered", "cancelled"]
Slug = Annotated[str, Example("halo-paper-lamp")]
Name = Annotated[str, Example("Halo Paper Lamp")]


class CategoryName(TypedDict):
    """What a category is called."""

    slug: Annotated[str, Example("lighting")]
    name: Annotated[str, Example("Lighting")]


class CategoryNode(CategoryName):
    """A category in the tree, with those below it."""

    id: int
    children: list[CategoryNode]


class Category(CategoryNode):
    """A category with the one above it."""

    parent: CategoryName | None


class Product(TypedDict):
    """A product on sale."""

    id: int
    sku: Annotated[str, Example("LIG-001")]
    slug: Slug
    name: Name
    description: str
    price: Money
    compare_at_price: Annotated[Money | None, "what it cost before"]
    stock: Annotated[int, "pieces left"]
    status: Literal["active"]
    featured: bool
    image_url: str | None
    category: CategoryName
    currency: Literal["EUR"]


class Page(TypedDict):
    """Where a list of one page stands."""

    page: Annotated[int, "counted from 1"]
    limit: Annotated[int, "the most items of a page"]
    total: Annotated[int, "items on all pages"]
    pages: int


class ProductPage(Page):
    """A page of products."""

    items: list[Product]


class User(TypedDict):
    """An account, without its password."""

    id: int
    email: Annotated[str, Example("ada@example.com")]
    name: Annotated[str, Example("Ada")]
    role: Literal["customer", "admin"]
    created_at: datetime


class LoggedIn(TypedDict):
    """A new session."""

    token: Annotated[str, "send it as Authorization: Bearer"]
    user: User
    expires_in: Annotated[int, "seconds", Example(3600)]


class Session(TypedDict):
    """A session that holds."""

    id: Annotated[str, Example("0123456789abcdef" * 2)]
    created_at: datetime
    last_seen_at: Annotated[datetime, "to about five minutes"]
    expires_at: datetime
    user_agent: Annotated[str | None, "the program it was begun with, in few words", Example("Firefox on Linux")]
    current: Annotated[bool, "whether it is that of the token"]


class Sessions(TypedDict):
    """Sessions that hold, at most a hundred."""

    items: list[Session]


class EndedSessions(TypedDict):
    """What became of sessions."""

    ended: Annotated[int, "how many were ended"]


class ProductName(TypedDict):
    """What a product is called."""

    id: int
    slug: Slug
    name: Name


class OrderItem(TypedDict):
    """A product of an order."""

    product: ProductName
    quantity: int
    unit_price: Annotated[Money, "the price when it was ordered"]


class ShippingAddress(TypedDict):
    """Where an order goes."""

    name: Annotated[str, Example("Ada Lovelace")]
    street: Annotated[str, Example("1 Long Lane")]
    city: Annotated[str, Example("Leeds")]
    postal_code: Annotated[str, Example("LS1 1AA")]
    country: Annotated[str, "ISO 3166-1, two letters", Example("GB")]


class Order(TypedDict):
    """An order; its stock is taken until it is cancelled."""

    id: int
    number: Annotated[str, Example("00000001")]
    status: Status
    total: Money
    currency: Literal["EUR"]
    shipping_address: ShippingAddress
    created_at: datetime
    items: list[OrderItem]


class CustomersOrder(Order):
    """An order with its customer's e-mail address."""

    email: Annotated[str, Example("ada@example.com")]


class OrderPage(Page):
    """A page of one's own orders, the newest first."""

    items: list[Order]


class CustomersOrderPage(Page):
    """A page of everyone's orders, the newest first."""

    items: list[CustomersOrder]


class DaysSales(TypedDict):
    """What was sold on a day."""

    day: Annotated[date, "of UTC"]
    orders: int
    revenue: Money


class BestSeller(TypedDict):
    """What sold most."""

    product: ProductName
    quantity: int
    revenue: Money


class LowStock(TypedDict):
    """What is nearly sold out."""

    product: ProductName
    stock: int


class Statistics(TypedDict):
    """What the shop sold: in all, and in the last days. Revenue is of orders that were not cancelled."""

    orders: int
    by_status: Annotated[dict[str, int], "orders by status", Example({"pending": 1})]
    revenue: Money
    average_order: Money
    currency: Literal["EUR"]
    customers: int
    products: Annotated[int, "on sale"]
    days: Annotated[int, "how many days sales_by_day and best_sellers are of", Example(30)]
    sales_by_day: list[DaysSales]
    best_sellers: list[BestSeller]
    low_stock: list[LowStock]


class Health(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """The process and what it needs answer."""

    status: Literal["ready"]
    database: Literal["ok"]
    redis: Literal["ok"]


class CacheFigures(TypedDict):
    """Lookups of the cache over all processes."""

    hits: int
    misses: int
    hitRate: Annotated[float, "percent"]
    total: int
    timestamp: Annotated[int, "milliseconds since 1970", Example(1767225600000)]


class Error(TypedDict):
    """Why a request is refused."""

    code: Annotated[str, "what a program tells errors apart by", Example("validation_failed")]
    message: Annotated[str, "for people", Example("the request has invalid values")]
    fields: NotRequired[Annotated[dict[str, str], "what is wrong with which value", Example({"q": "is missing"})]]
    trace_id: NotRequired[Annotated[str, "by which the trace of the request is found"]]


class Failure(TypedDict):
    """Every answer that is not a success."""

    success: Literal[False]
    error: Error
