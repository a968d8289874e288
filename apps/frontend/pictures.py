"""Product pictures drawn by the shop itself: a motif that fits the name, in colours that the name decides."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from pathlib import Path
from string import Template
from urllib.parse import quote

_MOTIFS = Path(__file__).parent / "motifs"
_STYLE = "1"  # part of the address: a new way of drawing needs a new one, for browsers keep the old for a year
_WORDS = (
    ("book", "book novel fiction atlas journal notebook cookbook"),
    ("plant", "plant garden flower seed fern tree herb"),
    ("kettle", "kettle teapot"),
    ("mug", "mug cup coffee tea espresso bowl plate carafe"),
    ("knife", "knife kniv cutting grater tool"),
    ("pan", "pan pot wok skillet cook kitchen"),
    ("headphones", "headphone earbud earphone headset"),
    ("phone", "phone tablet mobile charger"),
    ("camera", "camera lens photo webcam"),
    ("watch", "watch clock fitness"),
    ("speaker", "speaker audio sound radio"),
    ("bicycle", "bicycle bike cycling helmet"),
    ("lamp", "lamp light bulb lantern candle"),
    ("laptop", "laptop computer keyboard monitor mouse screen electronic office"),
    ("tent", "tent camp hik sleeping trek outdoor out"),
    ("shoe", "shoe sneaker boot sandal running trainer"),
    ("shirt", "shirt jacket coat dress jean sweater hoodie sock clothing fashion apparel scarf hat rain"),
    ("textile", "textile blanket pillow cushion curtain napkin towel rug"),
    ("bag", "bag backpack wallet tote luggage suitcase accessor"),
    ("chair", "chair sofa stool desk table shelf furniture home living"),
    ("ball", "ball sport soccer basketball yoga tennis dumbbell gym kite"),
    ("toy", "toy puzzle block board lego doll kid child baby"),
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
    """The picture as SVG, always the same for the same names."""
    dice = hashlib.sha256(f"{category}/{slug}".encode()).digest()
    names = ("ground", "shade", "main", "second", "ink", "light")
    colours = dict(zip(names, _PALETTES[dice[0] % len(_PALETTES)], strict=True))
    place = {"x": 40 + dice[1] % 120, "y": 40 + dice[2] % 100, "radius": 58 + dice[3] % 30}
    motif = Template(_motif(_motif_name(category, slug))).substitute(colours)
    return _FRAME.substitute(colours, motif=motif, **place).encode()


def _motif_name(category: str, slug: str) -> str:
    """What the product's own name speaks of, else what its category does."""
    for name in (slug, category):
        parts = name.lower().replace("_", "-").split("-")
        for motif, words in _WORDS:
            if any(part.startswith(word) for part in parts for word in words.split()):
                return motif
    return "parcel"


@cache
def _motif(name: str) -> str:
    return (_MOTIFS / f"{name}.svg").read_text("utf-8").strip()
