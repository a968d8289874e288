"""A person before the shop's pages in a real browser, by pointer or keyboard, and what nobody should meet there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response

SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
_MOST_TABS = 120


@dataclass
class Shopper:
    """Whoever uses a page; every step says what a person would do."""

    page: Page

    def press(self, control: Locator) -> None:
        """Follows a link or presses a button."""
        control.click()

    def write(self, name: str, text: str) -> None:
        """Writes into the field of this name, in place of what is there."""
        self.field(name).fill(text)

    def choose(self, name: str, label: str) -> None:
        """Takes a choice of the list of this name."""
        self.field(name).select_option(label=label)

    def send(self, name: str) -> None:
        """Presses the content's button of this name."""
        self.press(self.content.get_by_role("button", name=name))

    def follow(self, name: str) -> None:
        """Follows the content's first link of this name."""
        self.press(self.content.get_by_role("link", name=name).first)

    def search(self, words: str) -> None:
        """Searches the shop."""
        self.page.get_by_label("Search the shop").fill(words)
        self.page.get_by_label("Search the shop").press("Enter")

    def field(self, name: str) -> Locator:
        return self.content.get_by_label(name)

    @property
    def content(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def heading(self) -> str:
        """What the page is about."""
        return self.page.get_by_role("heading", level=1).inner_text()


class KeyboardShopper(Shopper):
    """One who has no pointer: everything is reached by Tab, and the content by the link that skips to it."""

    def press(self, control: Locator) -> None:
        self._reach(control)
        self._enter()

    def write(self, name: str, text: str) -> None:
        self._reach(self.field(name))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, name: str, label: str) -> None:
        self._reach(self.field(name))
        self.page.keyboard.type(label)

    def search(self, words: str) -> None:
        self._reach(self.page.get_by_label("Search the shop"))
        self.page.keyboard.type(words)
        self._enter()

    def skip_to_the_content(self) -> None:
        """Uses the link that comes first on each page."""
        self.press(self.page.get_by_role("link", name="Skip to the content"))

    def _enter(self) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def _reach(self, control: Locator) -> None:
        """Moves the focus on to a control. Raises LookupError where it is not among those that Tab reaches."""
        element = control.element_handle()
        for _unused in range(_MOST_TABS):
            if element.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise LookupError(f"no number of Tabs reaches {control}")


@dataclass
class Watch:
    """Notes what a page's visitor never should meet: errors in the console, failed requests, requests elsewhere."""

    origin: str
    problems: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        """Begins to listen."""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._requested)
        page.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url}"))
        page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):  # violations of the Content-Security-Policy are among the errors
            self.problems.append(f"console: {message.text}")

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.problems.append(f"elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status}: {response.url}")
