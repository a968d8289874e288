"""Every page of the served shop in a real browser: axe, light and dark, the narrowest phone, paper, wild content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, Response, ViewportSize, expect
from support.browser import chromium
from support.running_shop import ADMIN, CUSTOMER, RunningShop

PHONE, NARROWEST = ViewportSize(width=390, height=844), ViewportSize(width=320, height=640)
EVERYTHING: dict[str, Any] = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
COLOURS: dict[str, Any] = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
WILD = "<img src=x onerror=alert(1)>&amp;'\"" + "W" * 80
SOLD_OUT, FEW, LONG = "anvil-cast-iron-pan-28-cm", "sable-chefs-knife-20-cm", "halo-paper-lamp"
SET_STOCK = "UPDATE products SET stock = %s WHERE slug = %s"
SET_TEXTS = "UPDATE products SET name = %s, description = %s WHERE slug = %s"

Visit = Callable[[Page], object]


def at(path: str) -> Visit:
    return lambda page: page.goto(path)


def sent_empty(path: str) -> Visit:
    """The page's form, sent with every text field empty."""

    def visit(page: Page) -> None:
        page.goto(path)
        for field in page.locator("main input:not([type=hidden])").all():
            field.fill("")
        page.locator("main form button[type=submit]").first.click()

    return visit


def first_order_of(path: str) -> Visit:
    def visit(page: Page) -> None:
        page.goto(path)
        page.locator("ul.orders a").first.click()

    return visit


ANYBODYS = {
    "home": at("/"),
    "products": at("/products"),
    "filter-error": at("/products?min_price=9&max_price=3"),
    "nothing-fits": at("/products?max_price=0.01"),
    "product": at("/products/morrow-pour-over-coffee-kettle"),
    "product-sold-out": at(f"/products/{SOLD_OUT}"),
    "product-wild": at(f"/products/{LONG}"),
    "categories": at("/categories"),
    "category": at("/categories/kitchen-table"),
    "search": at("/search"),
    "search-found": at("/search?q=lamp"),
    "search-nothing": at("/search?q=zzzz"),
    "cart-empty": at("/cart"),
    "login": at("/auth/login"),
    "login-error": sent_empty("/auth/login"),
    "register": at("/auth/register"),
    "register-error": sent_empty("/auth/register"),
    "not-found": at("/nowhere"),
}
CUSTOMERS = {
    "cart": at("/cart"),
    "checkout": at("/checkout"),
    "checkout-error": sent_empty("/checkout"),
    "account": at("/account"),
    "password": at("/account/password"),
    "password-error": sent_empty("/account/password"),
    "orders": at("/account/orders"),
    "order": first_order_of("/account/orders"),
    "sign-out": at("/logout"),
    "forbidden": at("/admin"),
}
ADMINS = {
    "admin": at("/admin"),
    "admin-orders": at("/admin/orders"),
    "admin-order": first_order_of("/admin/orders"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def shop(storefront: RunningShop) -> Iterator[RunningShop]:
    """The shop with goods that are sold out, nearly so, or named by somebody hostile."""
    storefront.change(SET_STOCK, 0, SOLD_OUT)
    storefront.change(SET_STOCK, 1, FEW)
    storefront.change(SET_TEXTS, WILD, WILD, LONG)
    yield storefront
    storefront.change("UPDATE products SET stock = 1000000")
    storefront.change(SET_TEXTS, "Halo paper lamp", "Of paper.", LONG)
    storefront.change("DELETE FROM orders")


@pytest.fixture(scope="module")
def stranger(browser: Browser, shop: RunningShop) -> Iterator[BrowserContext]:
    yield from _visitor(browser, shop)


@pytest.fixture(scope="module")
def customer(browser: Browser, shop: RunningShop) -> Iterator[BrowserContext]:
    """Signed in, with an order made, and with more of a product in the cart than there is."""
    for context in _visitor(browser, shop):
        page = context.new_page()
        _sign_in(page, CUSTOMER)
        _put_into_cart(page, LONG)
        page.goto("/checkout")
        for name in ("name", "street", "postal_code", "city"):
            page.locator(f"main #{name}").fill("10117")
        page.locator("#country").select_option("DE")
        page.get_by_role("button", name="Order for").click()
        page.wait_for_url("**/orders/*")
        for slug in (FEW, LONG):
            _put_into_cart(page, slug)
        shop.change(SET_STOCK, 0, FEW)
        page.close()
        yield context


@pytest.fixture(scope="module")
def admin(browser: Browser, shop: RunningShop, customer: BrowserContext) -> Iterator[BrowserContext]:
    for context in _visitor(browser, shop):
        page = context.new_page()
        _sign_in(page, ADMIN)
        page.close()
        yield context


@pytest.mark.parametrize("visit", ANYBODYS.values(), ids=ANYBODYS)
def test_page_is_open_to_everybody(stranger: BrowserContext, visit: Visit) -> None:
    _check(stranger, visit)


@pytest.mark.parametrize("visit", CUSTOMERS.values(), ids=CUSTOMERS)
def test_customers_page_is_open_to_everybody(customer: BrowserContext, visit: Visit) -> None:
    _check(customer, visit)


@pytest.mark.parametrize("visit", ADMINS.values(), ids=ADMINS)
def test_admins_page_is_open_to_everybody(admin: BrowserContext, visit: Visit) -> None:
    _check(admin, visit)


def test_page_of_a_failing_backend_is_open_to_everybody(stranger: BrowserContext, shop: RunningShop) -> None:
    shop.change("ALTER TABLE products RENAME TO elsewhere")
    try:
        _check(stranger, lambda page: _expect(page.goto("/products"), 503))
    finally:
        shop.change("ALTER TABLE elsewhere RENAME TO products")


def test_errors_are_what_the_browser_goes_to(stranger: BrowserContext) -> None:
    page = stranger.new_page()
    sent_empty("/auth/register")(page)
    expect(page.locator(".problems")).to_be_focused()  # which the browser sees to with the next frame
    assert page.title().startswith("Error: ")
    page.get_by_role("alert").get_by_role("link").first.click()
    expect(page.locator("#name")).to_be_focused()
    page.close()


def test_order_prints_without_what_is_for_the_screen(customer: BrowserContext) -> None:
    page = customer.new_page()
    first_order_of("/account/orders")(page)
    page.emulate_media(media="print")
    seen = {
        name: page.get_by_role(name).first.is_visible() for name in ("navigation", "search", "button", "contentinfo")
    }
    assert not any(seen.values()), seen
    assert page.locator("address").is_visible()
    assert page.get_by_text("Total").is_visible()
    page.close()


def test_nothing_moves_for_those_who_want_that(stranger: BrowserContext) -> None:
    page = stranger.new_page()
    page.goto("/")
    durations = "getComputedStyle(document.querySelector('.card')).transitionDuration"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(durations) != "0s"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(durations) == "0s"
    page.close()


def _visitor(browser: Browser, shop: RunningShop) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=shop.url, viewport=PHONE, reduced_motion="reduce")
    yield context
    context.close()


def _sign_in(page: Page, who: dict[str, str]) -> None:
    page.goto("/auth/login")
    page.get_by_label("E-mail address").fill(who["email"])
    page.get_by_label("Password").fill(who["password"])
    page.locator("main").get_by_role("button", name="Sign in").click()


def _put_into_cart(page: Page, slug: str) -> None:
    page.goto(f"/products/{slug}")
    page.get_by_role("button", name="Put into the cart").click()


def _check(visitor: BrowserContext, visit: Visit) -> None:
    """Raises AssertionError for what axe finds serious, in light or dark, and for a page wider than a small phone."""
    page = visitor.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    visit(page)
    assert _findings(page, EVERYTHING) == []
    page.emulate_media(color_scheme="dark")
    assert _findings(page, COLOURS) == []
    page.set_viewport_size(NARROWEST)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST["width"]
    assert dialogs == []
    page.close()


def _findings(page: Page, options: dict[str, Any]) -> list[str]:
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{found['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for found in violations
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


def _expect(answer: Response | None, status: int) -> None:
    assert answer is not None
    assert answer.status == status
