"""Bodies that are there already reach the server as lists; all others as Flask gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask, Response
from support.segments import SegmentReceiver
from tracing import TracingSettings, instrument, uninstrument
from werkzeug.test import create_environ

SAMPLED = {"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}


class _OwnWay(Response):
    def get_app_iter(self, environ: dict[str, Any]) -> Iterable[bytes]:
        return iter([b"own"])


def _waited_for(end: list[str]) -> Response:
    response = Response("waited for")
    response.call_on_close(lambda: end.append("reached"))
    return response


@pytest.mark.parametrize(
    ("method", "make", "is_list", "body"),
    [
        ("GET", lambda _end: Response("whole"), True, b"whole"),
        ("GET", lambda _end: Response(["in ", "parts"]), False, b"in parts"),
        ("HEAD", lambda _end: Response("whole"), True, b""),
        ("GET", lambda _end: Response("none", status=204), False, b""),
        ("GET", lambda _end: Response(iter(["str", "eamed"])), False, b"streamed"),
        ("GET", lambda _end: _OwnWay(), False, b"own"),
        ("GET", _waited_for, False, b"waited for"),
    ],
)
def test_server_gets_a_body_that_is_there_as_a_list(
    settings: TracingSettings,
    receiver: SegmentReceiver,
    method: str,
    make: Callable[[list[str]], Response],
    is_list: bool,
    body: bytes,
) -> None:
    end: list[str] = []
    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: make(end))
    instrument(app, settings)
    given = app.wsgi_app(create_environ("/", method=method, headers=SAMPLED), lambda *_started: lambda _content: None)
    assert (isinstance(given, list), b"".join(given)) == (is_list, body)
    if not isinstance(given, list):
        given.close()  # type: ignore[attr-defined]
    assert end == (["reached"] if make is _waited_for else [])
    assert len(receiver.pending()) == 1
    uninstrument(app)
    assert "process_response" not in vars(app)


def test_method_that_was_put_over_it_since_stays(settings: TracingSettings) -> None:
    app = Flask("shop")
    instrument(app, settings)
    since: Any = lambda response: Response("since")  # noqa: E731
    app.process_response = since  # type: ignore[method-assign]
    uninstrument(app)
    assert vars(app)["process_response"] is since
