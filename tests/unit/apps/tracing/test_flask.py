"""Instrumenting Flask applications: once, several, made by a factory, wrapped by others, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from flask import Flask
from support.segments import SegmentReceiver
from tracing import TracingSettings, instrument, uninstrument

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
SAMPLED = {"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=1"}


def create_app(name: str) -> Flask:
    app = Flask(name)
    app.add_url_rule("/", view_func=lambda: name, endpoint="root")
    return app


def _wrapped(application: Any) -> Callable[..., Iterable[bytes]]:
    """Somebody else's wrapper."""
    return lambda environ, start_response: application(environ, start_response)


def test_twice_is_once(settings: TracingSettings, receiver: SegmentReceiver) -> None:
    app = create_app("shop")
    assert instrument(app, settings) is instrument(app, settings)
    app.test_client().get("/", headers=SAMPLED).get_data()
    assert len(receiver.pending()) == 1
    uninstrument(app)


def test_back_and_forth(settings: TracingSettings, receiver: SegmentReceiver) -> None:
    app = create_app("shop")
    before: Any = app.wsgi_app
    for _unused in range(2):
        instrument(app, settings)
        app.test_client().get("/", headers=SAMPLED).get_data()
        uninstrument(app)
        uninstrument(app)
    assert (app.wsgi_app, len(receiver.pending())) == (before, 2)
    assert "X-Amzn-Trace-Id" not in app.test_client().get("/", headers=SAMPLED).headers


def test_what_was_wrapped_around_since_stays(settings: TracingSettings, receiver: SegmentReceiver) -> None:
    app = create_app("shop")
    instrument(app, settings)
    app.wsgi_app = since = _wrapped(app.wsgi_app)  # type: ignore[method-assign]
    uninstrument(app)
    answer = app.test_client().get("/", headers=SAMPLED)
    assert (app.wsgi_app, answer.text, "X-Amzn-Trace-Id" in answer.headers) == (since, "shop", False)
    instrument(app, settings)
    app.test_client().get("/", headers=SAMPLED).get_data()
    assert len(receiver.pending()) == 1
    uninstrument(app)


def test_several_applications_have_their_own_names_and_counts(
    settings: TracingSettings, receiver: SegmentReceiver
) -> None:
    apps = [create_app(name) for name in ("one", "two")]
    tracings = [
        instrument(app, TracingSettings(app.name, udp_address=receiver.address, trust_incoming_sampled=True))
        for app in apps
    ]
    for app in (*apps, apps[0]):
        app.test_client().get("/", headers=SAMPLED).get_data()
    assert [segment["name"] for segment in receiver.pending()] == ["one", "two", "one"]
    assert [tracing.sent for tracing in tracings] == [2, 1]
    for app in apps:
        uninstrument(app)


@pytest.mark.parametrize("sampled", [0, 1])
def test_exception_that_flask_answers_is_told_with_its_stack(
    settings: TracingSettings, receiver: SegmentReceiver, sampled: int
) -> None:
    app = create_app("shop")
    app.add_url_rule("/fail", view_func=lambda: SAMPLED["missing"], endpoint="fail")
    instrument(app, settings)
    headers = {"X-Amzn-Trace-Id": f"Root={ROOT};Sampled={sampled}"}
    assert app.test_client().get("/fail", headers=headers).data != b""
    segment = receiver.next()
    [exception] = segment["cause"]["exceptions"]
    assert (exception["type"], exception["stack"][0]["label"]) == ("KeyError", "<lambda>")
    assert (segment["annotations"]["http_route"], segment["fault"]) == ("/fail", True)
    uninstrument(app)
