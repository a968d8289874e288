"""A customer's way through the served shop in a real browser: at a desk, on a phone, by keyboard, without scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize
from support.browser import chromium
from support.running_shop import RunningShop
from support.shopper import SCREENSHOTS, KeyboardShopper, Shopper, Watch

DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)
ADDRESS = {
    "Full name": "Ada Lovelace",
    "Street and number": "St James's Square 12",
    "Postal code": "10117",
    "City": "Berlin",
}


@dataclass(frozen=True)
class Way:
    """How somebody visits the shop."""

    name: str
    options: dict[str, Any]
    shopper: type[Shopper] = Shopper
    keeps_pictures: bool = False


WAYS = (
    Way("desk", {"viewport": DESK}, keeps_pictures=True),
    Way(
        "phone",
        {"viewport": PHONE, "is_mobile": True, "has_touch": True, "device_scale_factor": 2},
        keeps_pictures=True,
    ),
    Way("without-scripts", {"viewport": DESK, "java_script_enabled": False}),
    Way("keyboard", {"viewport": DESK}, KeyboardShopper),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Journey:
    """One customer's visit."""

    way: Way
    shop: RunningShop
    shopper: Shopper

    def see(self, name: str, full_page: bool = True) -> None:
        """Looks at the page, which is not wider than the screen, and keeps a picture where the way wants it."""
        page = self.shopper.page
        if self.way.keeps_pictures:
            page.screenshot(path=SCREENSHOTS / f"{self.way.name}-{name}.png", full_page=full_page)
        sizes = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert sizes[0] <= sizes[1], f"{page.url} is {sizes[0]} px wide on a screen of {sizes[1]} px"

    def register(self) -> None:
        shopper = self.shopper
        shopper.page.goto(f"{self.shop.url}/auth/register")
        shopper.write("Full name", "Ada Lovelace")
        shopper.write("E-mail address", f"{self.way.name}@example.com")
        shopper.write("Password", "notes on the engine")
        self.see("register")
        shopper.send("Make the account")
        assert shopper.heading == "Hello, Ada Lovelace"

    def browse(self) -> None:
        shopper = self.shopper
        shopper.press(shopper.page.get_by_role("link", name="Products", exact=True))
        assert shopper.heading == "All products"
        self.see("products", full_page=False)
        shopper.choose("Sort by", "Price: low to high")
        shopper.send("Apply")
        prices = shopper.content.locator(".card .price").all_inner_texts()
        amounts = [float(re.sub(r"[^0-9.]", "", price)) for price in prices]
        assert len(amounts) > 10
        assert amounts == sorted(amounts)

    def search(self) -> str:
        """Finds a product and opens its page; returns the product's slug."""
        shopper = self.shopper
        shopper.search("lamp")
        assert "lamp" in shopper.heading
        self.see("search")
        shopper.press(shopper.content.locator(".card a").first)
        self.see("product")
        return shopper.page.url.rpartition("/")[2]

    def fill_the_cart(self) -> None:
        shopper = self.shopper
        shopper.write("Quantity", "3")
        shopper.send("Put into the cart")
        assert shopper.heading == "Your cart"
        shopper.write("Quantity of", "2")
        shopper.send("Update")
        assert shopper.page.get_by_role("link", name="Cart").inner_text().split()[1].startswith("2")
        self.see("cart")
        shopper.follow("Go to checkout")

    def check_out(self) -> str:
        """Orders; returns the order's number."""
        shopper = self.shopper
        for name, text in ADDRESS.items():
            shopper.write(name, text)
        shopper.choose("Country", "Germany")
        self.see("checkout")
        shopper.send("Order for")
        assert "Thank you" in shopper.page.get_by_role("status").inner_text()
        self.see("order")
        return shopper.heading.removeprefix("Order ")

    def cancel(self, number: str) -> None:
        """Finds the order again in the account, and cancels it."""
        shopper = self.shopper
        shopper.press(shopper.page.get_by_role("link", name="Account", exact=True).first)
        shopper.follow("Your orders")
        self.see("orders")
        assert shopper.content.locator("ul.orders > li").count() == 1
        shopper.follow(number)
        shopper.send("Cancel this order")
        assert "cancelled" in shopper.page.get_by_role("status").inner_text()
        self.see("cancelled")

    def stock(self, slug: str) -> int:
        with urlopen(f"{self.shop.api_url}/api/catalog/products/{slug}", timeout=30) as answer:
            return int(json.load(answer)["data"]["stock"])


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    chosen: Way = request.param
    return chosen


@pytest.fixture
def context(browser: Browser, way: Way) -> Iterator[BrowserContext]:
    context = browser.new_context(**way.options, reduced_motion="reduce")
    yield context
    context.close()


def test_customer_registers_finds_orders_and_cancels(
    way: Way, context: BrowserContext, storefront: RunningShop
) -> None:
    page, watch = context.new_page(), Watch(storefront.url)
    watch.over(page)
    journey = Journey(way, storefront, way.shopper(page))
    journey.register()
    journey.browse()
    slug = journey.search()
    before = journey.stock(slug)
    journey.fill_the_cart()
    number = journey.check_out()
    assert journey.stock(slug) == before - 2
    journey.cancel(number)
    assert journey.stock(slug) == before
    assert watch.problems == []


def test_first_tab_skips_to_the_content(browser: Browser, storefront: RunningShop) -> None:
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.goto(f"{storefront.url}/products")
    shopper = KeyboardShopper(page)
    shopper.skip_to_the_content()
    page.keyboard.press("Tab")
    assert shopper.content.evaluate("main => main.contains(document.activeElement)")
    context.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("markup", "heard"),
    [
        ("<script>alert(1)</script>", "console: "),
        ("<p style='color:red'>", "console: "),
        ("<img src='https://elsewhere.example/x.png'>", "console: "),
        ("<img src='/static/none.svg'>", "404: "),
    ],
)
def test_the_watch_hears_what_a_page_must_not_do(page: Page, storefront: RunningShop, markup: str, heard: str) -> None:
    """With the shop's own policy: what somebody smuggled into a page would not run, and the tests would see it."""
    watch = Watch(storefront.url)
    watch.over(page)

    def smuggle(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</main>", f"{markup}</main>"))

    page.route("**/products", smuggle)
    page.goto(f"{storefront.url}/products")
    assert any(problem.startswith(heard) for problem in watch.problems), watch.problems
