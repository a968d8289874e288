"""Steps of a visitor to the storefront, through Flask's test client."""

from __future__ import annotations

from flask.testing import FlaskClient
from support.pages import Element, read_page
from werkzeug.test import TestResponse


def page_of(client: FlaskClient, path: str) -> Element:
    """A page that is there."""
    response = client.get(path)
    assert response.status_code == 200
    return read_page(response.text)


def send(client: FlaskClient, path: str, action: str, **values: str) -> TestResponse:
    """Fills in the form of a page and sends it."""
    return client.post(action, data=page_of(client, path).form(action) | values)
