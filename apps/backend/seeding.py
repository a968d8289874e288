"""Puts wanted content into the tables; says whether anything had to change, and repeats without a change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.engine import Connection

from backend.passwords import Passwords
from backend.storage import users as user_storage
from backend.tables import categories, products, users

# So many that no load test sells out.
_STOCK = 1_000_000


@dataclass(frozen=True, slots=True)
class Account:
    """A user to be made."""

    email: str
    password: str
    name: str
    role: str


class Catalog:
    """The content of catalog.json: categories with children, which hold products."""

    def __init__(self, document: Sequence[Mapping[str, Any]]) -> None:
        self._document = document

    @property
    def product_count(self) -> int:
        """How many products there are."""
        return sum(1 for _unused in self.products())

    def categories(self) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """The parent's slug and the row of every category, parents first."""
        for position, parent in enumerate(self._document):
            yield None, {"slug": parent["slug"], "name": parent["name"], "position": position}
            for child_position, child in enumerate(parent["children"]):
                yield parent["slug"], {"slug": child["slug"], "name": child["name"], "position": child_position}

    def products(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The category's slug and the row of every product, without its stock."""
        for parent in self._document:
            for child in parent["children"]:
                for product in child["products"]:
                    yield child["slug"], _product_row(product)


def seed_catalog(connection: Connection, catalog: Catalog) -> bool:
    """Makes or mends categories and products by slug; stock is set for new products only. True where it changed."""
    changed = False
    ids: dict[str, int] = {}
    for parent, row in catalog.categories():
        wanted = {**row, "parent_id": None if parent is None else ids[parent]}
        ids[row["slug"]], differs = _put(connection, categories, wanted)
        changed |= differs
    for category, row in catalog.products():
        _unused, differs = _put(connection, products, {**row, "category_id": ids[category]}, {"stock": _STOCK})
        changed |= differs
    return changed


def seed_accounts(connection: Connection, accounts: Sequence[Account], passwords: Passwords) -> bool:
    """Makes or mends users by e-mail address. True where something changed."""
    changes = [_put_account(connection, account, passwords) for account in accounts]
    return any(changes)


def _put(
    connection: Connection, table: Table, wanted: Mapping[str, Any], at_first: Mapping[str, Any] | None = None
) -> tuple[int, bool]:
    """Makes a row's columns what is wanted; returns its id and whether something changed."""
    found = connection.execute(select(table).where(table.c.slug == wanted["slug"])).mappings().one_or_none()
    if found is None:
        values = {**wanted, **(at_first or {})}
        return connection.execute(table.insert().values(**values).returning(table.c.id)).scalar_one(), True
    different = {name: value for name, value in wanted.items() if found[name] != value}
    if different:
        connection.execute(update(table).where(table.c.id == found["id"]).values(**different))
    return found["id"], bool(different)


def _put_account(connection: Connection, account: Account, passwords: Passwords) -> bool:
    found = user_storage.by_email(connection, account.email)
    if found is None:
        password_hash = passwords.hash(account.password)
        user_storage.add(connection, account.email, account.name, password_hash, account.role)
        return True
    changes: dict[str, str] = {}
    if (found["name"], found["role"]) != (account.name, account.role):
        changes = {"name": account.name, "role": account.role}
    if not passwords.matches(found["password_hash"], account.password):
        changes["password_hash"] = passwords.hash(account.password)
    if changes:
        connection.execute(update(users).where(users.c.id == found["id"]).values(**changes))
    return bool(changes)


def _product_row(product: Mapping[str, Any]) -> dict[str, Any]:
    compare_at = product.get("compare_at_price")
    return {
        "sku": product["sku"],
        "slug": product["slug"],
        "name": product["name"],
        "description": product["description"],
        "price": Decimal(product["price"]),
        "compare_at_price": None if compare_at is None else Decimal(compare_at),
        "featured": product.get("featured", False),
        "status": "active",
        "image_url": product.get("image_url"),
    }
