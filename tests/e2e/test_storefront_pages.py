"""Every page of the served shop in a real browser: nothing for axe to object to, nothing that needs a script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.browser import chromium
from support.running_shop import CUSTOMER, RunningShop


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_customer_signs_in(browser: Browser, storefront: RunningShop) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{storefront.url}/auth/login")
    page.get_by_label("E-mail address").fill(CUSTOMER["email"])
    page.get_by_label("Password").fill(CUSTOMER["password"])
    page.locator("main").get_by_role("button", name="Sign in").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Hello, Ada Lovelace"
    context.close()
