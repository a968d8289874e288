"""Orders for tests of the backend: what is bought, where it goes, and what the shop holds of it."""

from __future__ import annotations

from typing import Any

import psycopg
from flask.testing import FlaskClient
from psycopg import sql
from werkzeug.test import TestResponse

ADDRESS = {"name": "Ada", "street": "1 Long Lane", "city": "Leeds", "postal_code": "LS1", "country": "gb"}
LAMP, STOOL, KETTLE = "halo-paper-lamp", "perch-oak-stool", "morrow-pour-over-coffee-kettle"


def product(client: FlaskClient, slug: str) -> dict[str, Any]:
    """A product as the API shows it."""
    found: dict[str, Any] = client.get(f"/api/catalog/products/{slug}").get_json()["data"]
    return found


def place(
    client: FlaskClient, header: dict[str, str], quantities: dict[str, int], key: str | None = None
) -> TestResponse:
    """Checks out so many of products by their slugs."""
    items = [{"product_id": product(client, slug)["id"], "quantity": count} for slug, count in quantities.items()]
    headers = header | ({"Idempotency-Key": key} if key else {})
    return client.post("/api/orders", json={"items": items, "shipping_address": ADDRESS}, headers=headers)


def change_product(database_url: str, slug: str, **columns: object) -> dict[str, object]:
    """Changes a product's row behind the shop's back; returns what the columns were."""
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in columns.items()
    )
    chosen = sql.SQL(", ").join(map(sql.Identifier, columns))
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        found = connection.execute(sql.SQL("SELECT {} FROM products WHERE slug = {}").format(chosen, slug)).fetchone()
        connection.execute(sql.SQL("UPDATE products SET {} WHERE slug = {}").format(changes, slug))
    assert found is not None
    return dict(zip(columns, found, strict=True))
