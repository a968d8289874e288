"""The cart: products by id with quantities, as it lies in the signed session."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from frontend.models import ProductId

MAXIMUM_QUANTITY = 99
MAXIMUM_LINES = 20  # a session cookie holds 4 kB


class CartFull(ValueError):
    """The cart holds as many different products as it can."""


@dataclass(frozen=True)
class CartLine:
    """A product and how many of it."""

    product_id: ProductId
    quantity: int


@dataclass(frozen=True)
class Cart:
    """An immutable cart; a change gives a new one."""

    lines: tuple[CartLine, ...] = ()

    @classmethod
    def from_session(cls, stored: Iterable[Any]) -> Cart:
        """From the pairs that `to_session` gave."""
        return cls(tuple(CartLine(product_id, quantity) for product_id, quantity in stored))

    def to_session(self) -> list[list[ProductId]]:
        return [[line.product_id, line.quantity] for line in self.lines]

    @property
    def count(self) -> int:
        """Pieces, not products."""
        return sum(line.quantity for line in self.lines)

    def quantity_of(self, product_id: ProductId) -> int:
        return next((line.quantity for line in self.lines if line.product_id == product_id), 0)

    def with_quantity(self, product_id: ProductId, quantity: int) -> Cart:
        """The cart with exactly so many of a product, 0 taking it out; raises CartFull."""
        quantity = min(quantity, MAXIMUM_QUANTITY)
        if quantity <= 0:
            return Cart(tuple(line for line in self.lines if line.product_id != product_id))
        if not self.quantity_of(product_id):
            if len(self.lines) >= MAXIMUM_LINES:
                raise CartFull(f"The cart holds {MAXIMUM_LINES} different products at most.")
            return Cart((*self.lines, CartLine(product_id, quantity)))
        changed = (CartLine(product_id, quantity) if line.product_id == product_id else line for line in self.lines)
        return Cart(tuple(changed))

    def fingerprint(self) -> str:
        """The same for carts that hold the same, to notice that a form speaks of another cart."""
        pairs = sorted((str(line.product_id), line.quantity) for line in self.lines)
        return hashlib.sha256(repr(pairs).encode()).hexdigest()[:16]
