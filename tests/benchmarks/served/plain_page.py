"""The least Flask page that does the work of the storefront's product list: one call, JSON, one plain loop of Jinja."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path

import orjson
from flask import Flask, render_template

PATH = "/products"
CALL = "/api/catalog/products?page=1&limit=24"
FIRST, LAST = '<ul class="cards">\n', "</ul>\n"
_LOOP = Path(__file__).with_suffix(".html")


def make(environ: Mapping[str, str]) -> Flask:
    """The page before the backend on BENCHMARK_BACKEND, in the frame that BENCHMARK_FRAME, a JSON file, tells.

    The frame is what the storefront's page has before and after its cards, and the version in its pictures' addresses;
    `headers` go with each call.
    """
    frame = json.loads(Path(environ["BENCHMARK_FRAME"]).read_text())
    before, after = (f"{{% raw %}}{frame[part]}{{% endraw %}}" for part in ("before", "after"))
    host, port = "127.0.0.1", int(environ["BENCHMARK_BACKEND"])
    kept = threading.local()
    app = Flask("plain_page")
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.extensions["kept"] = kept
    template = app.jinja_env.from_string(before + _LOOP.read_text("utf-8") + after)

    @app.get(PATH)
    def products() -> str:
        connection: HTTPConnection | None = getattr(kept, "connection", None)
        if connection is None:
            connection = kept.connection = HTTPConnection(host, port)
        connection.request("GET", CALL, headers=frame["headers"])
        found = orjson.loads(connection.getresponse().read())["data"]
        return render_template(template, products=found["items"], version=frame["version"])

    return app
