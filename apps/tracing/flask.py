"""Tracing of a Flask application with one call."""

from __future__ import annotations

from typing import Any

from flask import Flask, got_request_exception

from tracing.core import Environ, Tracing
from tracing.entities import record_exception
from tracing.settings import TracingSettings
from tracing.wsgi import TracedApplication, route_of

_EXTENSION = "tracing"


def instrument(app: Flask, settings: TracingSettings) -> Tracing:
    """Traces every request to the app; with TRACING=off it changes nothing. Twice is once."""
    known: Tracing | None = app.extensions.get(_EXTENSION)
    if known is not None:
        return known
    tracing = Tracing(settings)
    app.extensions[_EXTENSION] = tracing
    if tracing.enabled:
        app.wsgi_app = TracedApplication(app.wsgi_app, tracing, flask_route)  # type: ignore[method-assign]
        got_request_exception.connect(_record, app)
    return tracing


def uninstrument(app: Flask) -> None:
    """Undoes `instrument`, as long as nothing else was wrapped around the app since."""
    tracing: Tracing | None = app.extensions.pop(_EXTENSION, None)
    if tracing is None:
        return
    got_request_exception.disconnect(_record, app)
    if isinstance(app.wsgi_app, TracedApplication):
        app.wsgi_app = app.wsgi_app.application  # type: ignore[assignment, method-assign]
    tracing.stop()


def flask_route(environ: Environ) -> str | None:
    """The template of the URL rule that Flask matched, or what the application left under `tracing.route`."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return route_of(environ) if rule is None else str(rule.rule)


def _record(sender: Flask, exception: BaseException, **_unused: Any) -> None:
    record_exception(exception)
