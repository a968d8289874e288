"""Product pictures: whole SVGs, and a motif that fits the name."""

from __future__ import annotations

from pathlib import Path

import frontend
import pytest
from frontend.pictures import draw
from support.pages import Element, read_page

MOTIFS = sorted((Path(frontend.__file__).parent / "motifs").glob("*.svg"))


def shapes(element: Element) -> list[str]:
    """The drawn paths, without the colours."""
    return [path.attributes["d"] for path in element.all("path")]


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda path: path.stem)
def test_motif_is_drawn_whole_for_its_own_name(motif: Path) -> None:
    picture = read_page(draw("goods", motif.stem).decode())
    assert shapes(picture.one("svg")) == shapes(read_page(motif.read_text("utf-8")))
    assert "$" not in draw("goods", motif.stem).decode()


@pytest.mark.parametrize(
    ("category", "slug", "like"),
    [
        ("bags", "slim-card-holder", "wallet"),
        ("bags", "something-slim", "bag"),
        ("lighting", "beacon-desk-lamp", "desklamp"),
        ("furniture", "folio-writing-desk", "desk"),
        ("cycling", "lumen-bicycle-light-set", "bikelight"),
        ("kitchen", "a-cookbook", "book"),
        ("lighting", "ember", "lamp"),
        ("nothing", "known", "parcel"),
    ],
)
def test_motif_follows_the_name_then_the_category(category: str, slug: str, like: str) -> None:
    expected = shapes(read_page(draw("goods", like).decode()))
    assert shapes(read_page(draw(category, slug).decode())) == expected


def test_pictures_of_one_motif_differ_by_name() -> None:
    assert len({draw("mugs", f"mug-{number}") for number in range(20)}) > 15


def test_colours_follow_the_slug_alone() -> None:
    assert draw("cookware", "lantau-wok") == draw("goods", "lantau-wok")
