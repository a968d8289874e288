"""Product pictures drawn by the shop itself: a motif that fits the name, in colours that the name decides."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path
from string import Template
from urllib.parse import quote

_MOTIFS = Path(__file__).parent / "motifs"
_STYLE = "2"  # part of the address: a new way of drawing needs a new one, for browsers keep the old for a year
# The first row with a word that begins a part of the name says what is drawn.
_WORDS = (
    ("book", "book novel fiction atlas journal notebook cookbook"),
    ("desklamp", "desklamp desk-lamp clip-lamp reading-lamp"),
    ("bikelight", "bikelight bicycle-light bike-light headlight"),
    ("lantern", "lantern candle"),
    ("lamp", "lamp light bulb"),
    ("helmet", "helmet"),
    ("pump", "pump"),
    ("cape", "cape poncho"),
    ("mister", "mister spray"),
    ("planter", "planter hanging"),
    ("herbs", "herb seed sprout"),
    ("plant", "plant garden flower fern tree"),
    ("moka", "moka espresso-maker coffee-maker percolator"),
    ("tin", "tin canister caddy jar"),
    ("kettle", "kettle teapot"),
    ("carafe", "carafe jug pitcher decanter"),
    ("plates", "plate dish"),
    ("bowl", "bowl"),
    ("mug", "mug cup coffee tea espresso tumbler"),
    ("cuttingboard", "cuttingboard cutting-board chopping-board"),
    ("grater", "grater microplane zester"),
    ("knife", "knife kniv chefs cutting tool"),
    ("wok", "wok"),
    ("stockpot", "stockpot stock-pot casserole"),
    ("skillet", "skillet cast-iron-pan frying-pan"),
    ("pan", "pan pot cook kitchen"),
    ("earphones", "earphone earbud"),
    ("headphones", "headphone headset"),
    ("phone", "phone tablet mobile charger"),
    ("camera", "camera lens photo webcam"),
    ("watch", "watch clock fitness"),
    ("radio", "radio"),
    ("speaker", "speaker audio sound"),
    ("bicycle", "bicycle bike cycling"),
    ("keyboard", "keyboard"),
    ("mouse", "mouse trackball"),
    ("laptop", "laptop computer monitor screen electronic office"),
    ("sleepingbag", "sleepingbag sleeping-bag"),
    ("stove", "stove burner"),
    ("tent", "tent camp hik sleeping trek outdoor out"),
    ("boot", "boot wellington"),
    ("shoe", "shoe sneaker sandal running trainer"),
    ("hat", "hat beanie"),
    ("scarf", "scarf shawl"),
    ("jacket", "jacket coat rain anorak"),
    ("shirt", "shirt dress jean sweater hoodie sock clothing fashion apparel"),
    ("cushion", "cushion pillow"),
    ("curtain", "curtain drape"),
    ("textile", "textile blanket napkin towel rug throw"),
    ("backpack", "backpack rucksack"),
    ("tote", "tote shopper"),
    ("duffel", "duffel weekender holdall luggage suitcase"),
    ("wallet", "wallet purse card-holder"),
    ("bag", "bag accessor"),
    ("stool", "stool"),
    ("shelf", "shelf shelv"),
    ("desk", "desk"),
    ("chair", "chair sofa table furniture home living"),
    ("puzzle", "puzzle jigsaw"),
    ("boardgame", "boardgame board-game dice"),
    ("kite", "kite"),
    ("ball", "ball sport soccer basketball yoga tennis dumbbell gym"),
    ("toy", "toy block board lego doll kid child baby"),
    ("gamepad", "game console controller gaming play work"),
    ("bottle", "bottle beauty cream serum soap shampoo perfume skin flask health oil"),
)
_PALETTES = (
    ("#dcebe6", "#c8ded7", "#1f7a72", "#f0a35e", "#16302f", "#fdf8ee"),
    ("#f6e3d6", "#efd2be", "#c8553d", "#2d6a73", "#3a211a", "#fff7ee"),
    ("#e3e4f4", "#d1d3ec", "#4c55a4", "#e9896a", "#20224a", "#fbf7f0"),
    ("#f4ead0", "#ecdcb4", "#b9832f", "#3f7567", "#3d2c12", "#fffaf0"),
    ("#e6eedb", "#d5e2c3", "#5b8a3c", "#d9754c", "#22331a", "#fcf9ee"),
    ("#f3dfe6", "#e9cad6", "#a63d66", "#44758a", "#3b1526", "#fff6f4"),
    ("#dbe8f2", "#c5d9e9", "#2b6d9e", "#efb254", "#142c40", "#fdf9f0"),
    ("#ece4dc", "#ddd0c3", "#7a5a45", "#4d8a86", "#2d2019", "#fdf8f1"),
)
_FRAME = Template(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" role="img">'
    '<rect width="200" height="200" fill="$ground"/><circle cx="$x" cy="$y" r="$radius" fill="$shade"/>'
    '<ellipse cx="100" cy="160" rx="62" ry="8" fill="$ink" opacity=".13"/>$motif</svg>'
)


@lru_cache(maxsize=4096)
def picture_path(category: str, slug: str) -> str:
    """Where a product's picture is; the address changes when the way of drawing does."""
    return f"/static/pictures/{quote(category, safe='')}/{quote(slug, safe='')}.svg?v={_STYLE}"


@lru_cache(maxsize=512)
def draw(category: str, slug: str) -> bytes:
    """The picture as SVG, always the same for the same names; the colours follow the slug alone."""
    dice = hashlib.sha256(slug.encode()).digest()
    names = ("ground", "shade", "main", "second", "ink", "light")
    colours = dict(zip(names, _PALETTES[dice[0] % len(_PALETTES)], strict=True))
    place = {"x": 40 + dice[1] % 120, "y": 40 + dice[2] % 100, "radius": 58 + dice[3] % 30}
    motif = Template(_motif(_motif_name(category, slug))).substitute(colours)
    return _FRAME.substitute(colours, motif=motif, **place).encode()


def _motif_name(category: str, slug: str) -> str:
    """What the product's own name speaks of, else what its category does."""
    for name in (slug, category):
        parts = "-" + name.lower().replace("_", "-")
        for motif, words in _WORDS:
            if any(f"-{word}" in parts for word in words.split()):
                return motif
    return "parcel"


@cache
def _motif(name: str) -> str:
    return (_MOTIFS / f"{name}.svg").read_text("utf-8").strip()
