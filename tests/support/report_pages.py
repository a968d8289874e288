"""Reads a report's page as a browser would take it apart, without a browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Element:
    """A start tag with the text between it and its end tag."""

    tag: str
    attributes: Mapping[str, str | None]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements of a page, in their order."""

    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        """Every element of a tag."""
        return [element for element in self.elements if element.tag == tag]

    def with_attribute(self, name: str) -> list[Element]:
        """Every element that has an attribute."""
        return [element for element in self.elements if name in element.attributes]

    def by_id(self, identity: str) -> Element:
        """The one element with this id."""
        (found,) = (element for element in self.elements if element.attributes.get("id") == identity)
        return found


def parse_page(html: str) -> Page:
    """The page's elements."""
    page = Page()
    page.feed(html)
    page.close()
    return page


def figures(page: Page) -> list[tuple[str, Any, str]]:
    """The page's numbers: key in the record, value, text shown."""
    marked = page.with_attribute("data-key")
    return [(str(e.attributes["data-key"]), json.loads(str(e.attributes["data-value"])), e.text) for e in marked]


def look_up(record: Any, key: str) -> Any:
    """The value at a dotted key of a record."""
    for name in key.split("."):
        record = record[int(name)] if isinstance(record, list) else record[name]
    return record
