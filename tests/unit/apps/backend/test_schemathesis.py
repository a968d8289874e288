"""schemathesis tries every operation of the API's document: no 5xx, and no answer that the document does not tell of.

`make fuzz-api` tries longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.api_fuzz import fuzz

EXAMPLES = int(os.environ.get("API_FUZZ_EXAMPLES", "3"))
SEED = int(os.environ.get("API_FUZZ_SEED", "1"))


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("ada", "^/api/(catalog|search)"),
        ("ada", "^/api/auth"),
        ("ada", "^(?!/api/(catalog|search|auth))"),
        ("admin", "^/api/orders/(admin|.*/status)"),
    ],
    ids=["catalog", "accounts", "all-else", "admin"],
)
def test_no_request_gets_what_is_not_documented(open_app: Callable[..., Flask], name: str, only: str) -> None:
    app = open_app()

    def log_in() -> str:
        body = {"email": f"{name}@example.com", "password": f"{name}-password"}
        return f"Bearer {FlaskClient(app).post('/api/auth/login', json=body).get_json()['data']['token']}"

    found = fuzz(app.wsgi_app, log_in, examples=EXAMPLES, seed=SEED, only=only)
    assert found.failures == {}
    assert {200, 400, 405} <= set(found.statuses)
    assert max(found.statuses) < 500
