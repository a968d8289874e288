"""The page of the API's document in a real browser, under its own policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from flask import Flask
from playwright.sync_api import Browser, Page
from support.browser import chromium
from support.served_app import served_app

# One of each kind of part: axe takes long for a page of all of them.
SAMPLE = {"include": [["nav"], ["#orders_place"], ["#schema-Order"], ["section[aria-labelledby=errors]"]]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def url(open_app: Callable[..., Flask]) -> Iterator[str]:
    with served_app(open_app().wsgi_app) as served:
        yield f"{served}/api/docs"


def _opened(browser: Browser, url: str, **context: Any) -> tuple[Page, list[str]]:
    """The page, and what its console says."""
    page = browser.new_context(**context).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(url)
    return page, said


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 24, 28)")])
def test_page_is_for_everyone_and_its_policy_refuses_nothing(
    browser: Browser, url: str, scheme: str, paper: str
) -> None:
    page, said = _opened(browser, url, color_scheme=scheme)
    page.locator("#orders_place details").evaluate_all("all => all.forEach(one => { one.open = true })")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
    found = Axe().run(page, context=SAMPLE).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert [text for text in said if "favicon" not in text] == []
    page.context.close()


def test_routes_are_reached_without_a_script_on_a_phone(browser: Browser, url: str) -> None:
    page, _unused = _opened(browser, url, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page.get_by_role("navigation").get_by_role("link", name="POST /api/orders", exact=True).click()
    shown = page.locator("#orders_place")
    assert shown.bounding_box()["y"] < 100  # type: ignore[index]
    shown.locator("summary", has_text="201").click()
    assert "Ada Lovelace" in shown.locator("details", has_text="201").inner_text()
    page.context.close()
