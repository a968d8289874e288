"""Tracing of a Flask application with one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracing.core import Environ, Tracing
from tracing.entities import record_exception
from tracing.settings import TracingSettings
from tracing.wsgi import TracedApplication, route_of

if TYPE_CHECKING:
    from flask import Flask

_EXTENSION = "tracing"
_WRAPPER = "tracing.wrapper"


def instrument(app: Flask, settings: TracingSettings) -> Tracing:
    """Traces every request to the app; with TRACING=off it changes nothing. Twice is once."""
    known: Tracing | None = app.extensions.get(_EXTENSION)
    if known is not None:
        return known
    tracing = Tracing(settings)
    app.extensions[_EXTENSION] = tracing
    if tracing.enabled:
        # Here, so that the package serves where there is no Flask.
        from flask import got_request_exception

        from tracing.flaskbodies import hand_over_whole

        wrapper = TracedApplication(app.wsgi_app, tracing, flask_route)
        app.extensions[_WRAPPER] = wrapper
        app.wsgi_app = wrapper  # type: ignore[method-assign]
        got_request_exception.connect(_record, app)
        hand_over_whole(app)
    return tracing


def uninstrument(app: Flask) -> None:
    """Undoes `instrument`; where something was wrapped around the app since, the wrapper stays and does nothing."""
    tracing: Tracing | None = app.extensions.pop(_EXTENSION, None)
    wrapper: TracedApplication | None = app.extensions.pop(_WRAPPER, None)
    if wrapper is not None:
        from flask import got_request_exception

        from tracing.flaskbodies import leave_to_flask

        got_request_exception.disconnect(_record, app)
        leave_to_flask(app)
        wrapper.switch_off()
        if app.wsgi_app is wrapper:
            app.wsgi_app = wrapper.application  # type: ignore[assignment, method-assign]
    if tracing is not None:
        tracing.stop()


def flask_route(environ: Environ) -> str | None:
    """The template of the URL rule that Flask matched, or what the application left under `tracing.route`."""
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    return route_of(environ) if rule is None else rule.rule


def _record(sender: Flask, exception: BaseException, **_unused: Any) -> None:
    record_exception(exception)
