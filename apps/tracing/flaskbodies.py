"""Bodies of Flask's responses as servers like them; apart, so that the package serves where there is no Flask."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response

_METHOD = "process_response"
_WITHOUT_BODY = frozenset({*range(100, 200), 204, 304})


def hand_over_whole(app: Flask) -> None:
    """Lets the server have a body that is there already as a list, where Flask would give an iterator.

    Then nothing of it is left to be timed, and a server can send it in one piece, which with granian saves about what
    an unsampled request costs. Not where something waits for the end of the response, or its class has its own way.
    """
    original = app.process_response

    def process_response(*arguments: Any) -> Response:
        response = original(*arguments)
        body = response.response
        if (
            isinstance(body, list)
            and len(body) == 1
            and isinstance(body[0], bytes)
            and type(response).get_app_iter is Response.get_app_iter
            and response.status_code not in _WITHOUT_BODY
            and not response._on_close
            and not response.direct_passthrough
        ):
            response.get_app_iter = (  # type: ignore[method-assign]
                lambda environ: body if environ["REQUEST_METHOD"] != "HEAD" else []
            )
        return response

    app.__dict__[_METHOD] = process_response


def leave_to_flask(app: Flask) -> None:
    """Undoes `hand_over_whole`, unless somebody has put another method in its place since."""
    if getattr(app.__dict__.get(_METHOD), "__module__", None) == __name__:
        del app.__dict__[_METHOD]
