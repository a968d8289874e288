"""Reading HTML pages as a browser does: elements, forms, what a person would see."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"img", "input", "link", "meta", "br", "hr", "path", "circle", "rect", "ellipse"})


@dataclass
class Element:
    """An element with what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, white space joined."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return " ".join(" ".join(parts).split())

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements below with these attributes, in the page's order."""
        found: list[Element] = []
        for child in self.children:
            if isinstance(child, Element):
                if child._fits(tag, attributes):
                    found.append(child)
                found += child.all(tag, **attributes)
        return found

    def one(self, tag: str, **attributes: str) -> Element:
        """The only such element; raises LookupError when there is none or there are several."""
        found = self.all(tag, **attributes)
        if len(found) != 1:
            raise LookupError(f"{len(found)} elements <{tag}> with {attributes}")
        return found[0]

    def form(self, action: str, position: int = 0) -> dict[str, str]:
        """What sending the form to this address would send, as it stands."""
        form = self.all("form", action=action)[position]
        values = {item.attributes["name"]: item.attributes.get("value", "") for item in form.all("input")}
        return values | {item.attributes["name"]: _chosen(item) for item in form.all("select")}

    def _fits(self, tag: str, attributes: dict[str, str]) -> bool:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return self.tag == tag and all(self.attributes.get(name) == value for name, value in wanted.items())


def _chosen(select: Element) -> str:
    chosen = [option for option in select.all("option") if "selected" in option.attributes]
    return chosen[0].attributes.get("value", "") if chosen else ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("#page", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1].tag != tag:
            raise ValueError(f"</{tag}> closes <{self._open[-1].tag}>")
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def read_page(html: str) -> Element:
    """The page as a tree; raises ValueError where elements are not closed in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    if len(reader._open) != 1:
        raise ValueError(f"<{reader._open[-1].tag}> is never closed")
    return reader.root
