"""Parts of pages that are the same for everybody, rendered once for each answer of the backend."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from frontend.models import Page, Product


def install(environment: Environment) -> None:
    """Gives templates `cards(found)`, the cards of a list of products.

    It is rendered by a macro that knows nothing but the products: no request, no visitor.
    """
    macros: Any = environment.get_template("macros.html").module

    def cards(found: Page[Product]) -> Markup:
        html = found.rendered.get("cards")
        if html is None:
            html = found.rendered["cards"] = macros.cards(found.items)
        return html

    environment.globals["cards"] = cards


@lru_cache(maxsize=8)
def datalist(terms: tuple[str, ...]) -> Markup:
    """What the search field suggests, as a datalist with the id `terms`."""
    options = Markup("").join(Markup("<option>{}</option>").format(term) for term in terms)
    return Markup('<datalist id="terms">{}</datalist>').format(options)
