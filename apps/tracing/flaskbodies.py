"""Bodies of Flask's responses as servers like them; apart, so that the package serves where there is no Flask."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request

_WITHOUT_BODY = frozenset({*range(100, 200), 204, 304})


def hand_over_whole(sender: Flask, response: Response, **_unused: Any) -> None:
    """Lets the server have a body that is there already as a list, where Flask would give an iterator.

    Then nothing of it is left to be timed, and a server can send it in one piece: with granian that saves more than a
    segment costs. Not where something waits for the end of the response, or its class has a way of its own.
    """
    if (
        type(response.response) is list
        and type(response).get_app_iter is Response.get_app_iter
        and not response._on_close
        and not response.direct_passthrough
        and response.status_code not in _WITHOUT_BODY
        and request.method != "HEAD"
    ):
        chunks = list(response.iter_encoded())
        response.get_app_iter = lambda environ: chunks  # type: ignore[method-assign]
