"""The request class of an app that strangers reach."""

from __future__ import annotations

from typing import Any

from flask import Request


class GuardedRequest(Request):
    """A request whose query is read also where it has bytes that are no UTF-8, over which Werkzeug raises."""

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        super().__init__(environ, populate_request, shallow)
        if not self.query_string.isascii():
            self.query_string = self.query_string.decode(errors="replace").encode()
