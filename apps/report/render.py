"""A run record as one self-contained HTML page: no request to any network, no script but its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from report import formats
from report.page import build_page

_TEMPLATES = Path(__file__).with_name("templates")
_FILTERS = (
    formats.count,
    formats.rate,
    formats.milliseconds,
    formats.percent,
    formats.usd,
    formats.price,
    formats.byte_size,
    formats.duration,
    formats.clock,
    formats.moment,
)


def render_page(record: Mapping[str, Any]) -> str:
    """The page of a checked run record; the same record gives the same page."""
    script = _source("report.js")
    style = _source("report.css")
    template = _environment(record).get_template("report.html")
    return template.render(
        page=build_page(record),
        run=record["run"],
        result=record["result"],
        record=record,
        style=Markup(style),  # noqa: S704  our own files, no data in them
        script=Markup(script),  # noqa: S704
        policy=_content_security_policy(script),
    )


def _environment(record: Mapping[str, Any]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in _FILTERS}
    environment.filters |= {"by_name": formats.by_name, "fixed": formats.fixed}
    environment.globals["figure"] = Figures(record)
    return environment


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _content_security_policy(script: str) -> str:
    """Nothing from anywhere, and of scripts only ours, by its hash (CSP level 3)."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


class Figures:
    """Called from the template: looks a number up in the record and shows it, marked with where it came from."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record

    def __call__(self, key: str, unit: str) -> Markup:
        """The figure at a dotted key such as result.routes.0.requests, formatted by the filter of that name."""
        value: Any = self._record
        for name in key.split("."):
            value = value[int(name)] if isinstance(value, list) else value.get(name)
        shown = next(function for function in _FILTERS if function.__name__ == unit)(value)
        element = Markup('<span class="figure" data-key="{}" data-value="{}">{}</span>')
        return element.format(key, json.dumps(value), shown)
